//go:build amd64 || arm64

package state

import (
	"os"
	"syscall"
)

// aheadBytes is how much is asked for at a time: of more the system reads a part.
const aheadBytes = 128 << 10

// readAhead asks the system to read a file into memory, many pieces at a time: page by page, as
// they are asked for, takes longer where they lie on a disk. It is as well if it does not.
func readAhead(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return
	}
	const willNeed = 3 // POSIX_FADV_WILLNEED
	for at := int64(0); at < info.Size() && err == nil; at += aheadBytes {
		if _, _, no := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), uintptr(at), aheadBytes, willNeed, 0, 0); no != 0 {
			err = no
		}
	}
}
