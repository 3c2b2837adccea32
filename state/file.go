package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"weir/cep/wire"
)

// fileKind is what a file is for.
type fileKind struct {
	magic   string // eight bytes
	format  uint64
	buckets []string
	added   []string // buckets that the format before had not; nil: that one is not read
}

// reads says whether files of a format are read: its own, or one that is brought up to it.
func (k *fileKind) reads(format uint64) bool {
	return format == k.format || k.added != nil && format == k.format-1
}

var (
	alertsKind = fileKind{"weir-alr", 2, []string{
		markBucket, itemsBucket, idsBucket, minutesBucket, countedBucket, samplesBucket, talliesBucket,
		strayBuckets[0], strayBuckets[1], strayBuckets[2], strayBuckets[3], noticesBucket, lossesBucket,
		auditBucket,
	}, []string{auditBucket}}
	stateKind = fileKind{"weir-sta", 2, []string{headsBucket, partsBucket}, nil}
)

// fileBucket and fileKey are where a file says what it is. They stay as they are in every
// format, and so does the beginning of the value: magic, format, home.
const (
	fileBucket = "file"
	fileKey    = "head"
)

// file is an open file. The zero file is closed.
type file struct {
	db *bbolt.DB
}

// bolt opens a file with bbolt.
func bolt(path string, readOnly bool) (db *bbolt.DB, err error) {
	err = guard(func() error {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:      time.Second,
			FreelistType: bbolt.FreelistMapType, // a checkpoint asks for long runs of free pages
			ReadOnly:     readOnly,
		})
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%s is %w", path, ErrInUse)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	case strings.Contains(err.Error(), "file size too small"): // bbolt gives the text alone
		return nil, fmt.Errorf("%s: its end was cut off: %w: %w", path, ErrDamaged, err)
	}
	return nil, fmt.Errorf("%s: %w", path, err)
}

// homeOf checks what a file says of itself and gives the directory that it is of. It
// changes nothing.
func homeOf(path string, kind fileKind) (home [16]byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return home, err
	}
	if info.IsDir() {
		return home, fmt.Errorf("%s: it is a directory, and no file: %w", path, ErrDamaged)
	}
	if info.Size() == 0 {
		return home, fmt.Errorf("%s: it is empty: %w", path, ErrDamaged)
	}
	db, err := bolt(path, true)
	if err != nil {
		return home, err
	}
	f := file{db}
	err = f.view(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("it has %d bytes of %d: its end was cut off: %w", info.Size(), tx.Size(), ErrDamaged)
		}
		b := tx.Bucket([]byte(fileBucket))
		if b == nil {
			return fmt.Errorf("it is no file of weir: %w", ErrDamaged)
		}
		value := b.Get([]byte(fileKey))
		r := unseal([]byte(fileKey), value)
		magic, format := string(r.Take(8)), r.Uint()
		copy(home[:], r.Take(len(home)))
		switch {
		case r.Bad:
			return fmt.Errorf("its head: %w", ErrDamaged)
		case magic != kind.magic:
			return fmt.Errorf("it is %q, expected %q: %w", magic, kind.magic, ErrFormat)
		case format > kind.format:
			return fmt.Errorf("it has format %d, of a newer weir; this one reads format %d: %w", format, kind.format, ErrFormat)
		case !kind.reads(format):
			return fmt.Errorf("it has format %d, this weir reads format %d: %w", format, kind.format, ErrFormat)
		}
		return done(&r, fileBucket, []byte(fileKey))
	})
	return home, errors.Join(err, f.close())
}

// create makes a file, unless it is there. It gets its name when it is whole.
func create(path string, kind fileKind, home [16]byte) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	made := path + ".new"
	if err := os.Remove(made); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	db, err := bolt(made, false)
	if err != nil {
		return spaceless(err)
	}
	f := file{db}
	err = f.update(func(tx *bbolt.Tx) error {
		for _, name := range kind.buckets {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		b, err := tx.CreateBucket([]byte(fileBucket))
		if err != nil {
			return err
		}
		return kind.putHead(b, home)
	})
	if err = errors.Join(err, f.close()); err != nil {
		return err
	}
	if err := os.Rename(made, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// putHead writes what a file is.
func (k *fileKind) putHead(b *bbolt.Bucket, home [16]byte) error {
	var w wire.Writer
	w.B = append(w.B, k.magic...)
	w.Uint(k.format)
	w.B = append(w.B, home[:]...)
	return b.Put([]byte(fileKey), seal([]byte(fileKey), w.B))
}

// lift brings a file of the format before up to this one, in one transaction.
func (f *file) lift(kind fileKind, home [16]byte) error {
	older := false
	err := f.view(func(tx *bbolt.Tx) error {
		r := unseal([]byte(fileKey), tx.Bucket([]byte(fileBucket)).Get([]byte(fileKey)))
		r.Take(len(kind.magic))
		older = r.Uint() < kind.format
		return nil
	})
	if err != nil || !older {
		return err
	}
	return f.update(func(tx *bbolt.Tx) error {
		for _, name := range kind.added {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return kind.putHead(tx.Bucket([]byte(fileBucket)), home)
	})
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) { // some file systems have no such thing
		err = nil
	}
	return errors.Join(err, d.Close())
}

// openFile opens a file that was checked.
func openFile(path string, kind fileKind, home [16]byte) (file, error) {
	found, err := homeOf(path, kind)
	if err == nil && found != home {
		err = fmt.Errorf("%s is %w", path, ErrForeign)
	}
	if err != nil {
		return file{}, err
	}
	db, err := bolt(path, false)
	if err != nil {
		return file{}, err
	}
	f := file{db}
	if err := f.lift(kind, home); err != nil {
		return file{}, errors.Join(err, f.close())
	}
	err = f.view(func(tx *bbolt.Tx) error {
		for _, name := range kind.buckets {
			if tx.Bucket([]byte(name)) == nil {
				return fmt.Errorf("bucket %s is not there: %w", name, ErrDamaged)
			}
		}
		return nil
	})
	if err != nil {
		return file{}, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *file) close() error {
	if f.db == nil {
		return nil
	}
	err := f.db.Close()
	f.db = nil
	return err
}

func (f *file) size() int64 {
	info, err := os.Stat(f.db.Path())
	if err != nil {
		return 0
	}
	return info.Size()
}

// view reads in one transaction.
func (f *file) view(read func(*bbolt.Tx) error) error {
	return f.named(guard(func() error { return f.db.View(read) }))
}

// update writes in one transaction, and is done when that is on the disk.
func (f *file) update(write func(*bbolt.Tx) error) error {
	return f.named(spaceless(guard(func() error { return f.db.Update(write) })))
}

// named says which file an error is of.
func (f *file) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", f.db.Path(), err)
}

// guard calls a function that reads pages of a file. Pages have no checksum: where a
// damaged one leads astray, that is an error, not the end of the process.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return f()
}

// spaceless finds out that the disk is full. Only a write that was refused says so: after a
// sync that failed it is not known what is on the disk. bbolt gives the text alone where it
// could not make the file longer.
func spaceless(err error) error {
	var path *os.PathError
	refused := errors.As(err, &path) && path.Op == "write" && full(path.Err) ||
		err != nil && strings.HasPrefix(err.Error(), "file resize error") && strings.Contains(err.Error(), syscall.ENOSPC.Error())
	if refused {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return err
}

func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
