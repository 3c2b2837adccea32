//go:build !linux

package main

import (
	"errors"
	"os"
)

// forget says that it cannot be done.
func forget(*os.File) error {
	return errors.New("files cannot be taken out of the page cache on this system")
}
