package cep

import (
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// threadTime is the processor time that the calling thread has used: what a pause takes where
// other processes take none. The goroutine must be locked to its thread.
func threadTime() time.Duration {
	const threadCPU = 3 // CLOCK_THREAD_CPUTIME_ID
	var t syscall.Timespec
	if _, _, e := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadCPU, uintptr(unsafe.Pointer(&t)), 0); e != 0 {
		panic(e)
	}
	runtime.KeepAlive(&t)
	return time.Duration(t.Nano())
}
