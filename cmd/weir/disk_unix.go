//go:build unix

package main

import "golang.org/x/sys/unix"

// freeDisk returns the free bytes of the file system of a directory that this process may
// use.
func freeDisk(dir string) (uint64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	return uint64(fs.Bavail) * uint64(fs.Bsize), nil
}
