package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machineMemory is the memory that the process may have, in bytes: that of the machine, or
// less where a control group says so; 0: not known.
func machineMemory() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	n := uint64(info.Totalram) * uint64(info.Unit)
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(file); err == nil {
			if most, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil {
				n = min(n, most)
			}
		}
	}
	return n
}
