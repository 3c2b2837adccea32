package stream

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The server keeps an index of its block files beside them. After a power cut the index may
// be younger than the blocks, and the server would then go on counting from where the index
// ends, as if the records that are lost had been removed. So the index counts only where
// Close has brought everything to the disk and left a mark that says how long the blocks
// were; else it is removed, and the server reads all blocks.
const (
	closedMark = "closed"
	indexFile  = "index.db"
)

func blockDir(dir string) string {
	return filepath.Join(dir, "jetstream", "$G", "streams", streamName, "msgs")
}

// checkFiles makes the files fit for a server: it removes the index if it may not fit the
// blocks, what comes after a hole, and the mark.
func checkFiles(o Options) error {
	dir, mark := o.Dir, filepath.Join(o.Dir, closedMark)
	said, err := os.ReadFile(mark)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	is, err := lengths(dir)
	if err != nil {
		return err
	}
	if len(said) == 0 || string(said) != is {
		if err := remove(filepath.Join(blockDir(dir), indexFile)); err != nil {
			return err
		}
		if err := endAtHole(dir, o.Logger); err != nil {
			return err
		}
	}
	if err := remove(mark); err != nil {
		return err
	}
	return syncFile(dir) // before a block changes
}

// remove removes a file, if it is there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// lengths lists the block files, a line each: the name and the length in bytes.
func lengths(dir string) (string, error) {
	files, err := os.ReadDir(blockDir(dir)) // by name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var list strings.Builder
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return "", err
		}
		if strings.HasSuffix(f.Name(), ".blk") {
			fmt.Fprintln(&list, f.Name(), info.Size())
		}
	}
	return list.String(), nil
}

// leaveMark brings all files below dir to the disk and says so.
func leaveMark(dir string) error {
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncFile(path)
	})
	if err != nil {
		return err
	}
	list, err := lengths(dir)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, closedMark)
	if err := os.WriteFile(path, []byte(list), 0o600); err != nil {
		return err
	}
	return errors.Join(syncFile(path), syncFile(dir))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
