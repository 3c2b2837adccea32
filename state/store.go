package state

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"weir/alerts"
	"weir/cep"
)

// Names in a data directory.
const (
	alertsName = "alerts.db"
	stateName  = "state.db"
	lockName   = "lock"
)

var (
	// ErrNoSpace: the disk is full. Nothing was changed, and the call may be made again.
	ErrNoSpace = cep.ErrNoSpace

	// ErrDamaged: what was read is not what was written.
	ErrDamaged = errors.New("damaged")

	// ErrInUse: another process has the data directory.
	ErrInUse = errors.New("in use by another weir")

	// ErrFormat: a file has a format that this program does not read.
	ErrFormat = errors.New("unknown format")

	// ErrForeign: the files of a data directory do not belong together.
	ErrForeign = errors.New("of another data directory")
)

// Options are settings of a Store. The zero Options are the defaults.
type Options struct {
	Retention time.Duration    // how long alerts are kept after they were stored; 0: 400 days
	Strays    int              // how many late events are kept, the latest, how many rejected ones, and so on; 0: 10,000
	Now       func() time.Time // wall clock; nil: time.Now
}

func (o Options) withDefaults() Options {
	if o.Retention == 0 {
		o.Retention = 400 * 24 * time.Hour
	}
	if o.Strays == 0 {
		o.Strays = 10_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Store is an open data directory. Its methods may be called from several goroutines at a
// time, but for Commit and Save: each of these from one at a time.
type Store struct {
	options     Options
	home        [16]byte
	lock        *os.File
	alerts      file
	checkpoints file
	limiter     *alerts.Limiter // as of the last Commit
	spare       []byte          // memory for the next one
	bases       bases
	use         partUse
	sweeping    sync.Mutex
	unreadable  faulty
}

// Open opens a data directory; it makes the directory and the files that are not there. A
// directory that others may enter, that another process has open, or whose files are
// damaged, of an unknown format or of another directory, is refused.
func Open(dir string, o Options) (*Store, error) {
	if err := private(dir); err != nil {
		return nil, err
	}
	l, err := lock(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{options: o.withDefaults(), lock: l}
	if err := s.open(dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(dir string) error {
	paths := [2]string{filepath.Join(dir, alertsName), filepath.Join(dir, stateName)}
	if err := s.find(paths); err != nil {
		return err
	}
	var err error
	if s.alerts, err = openFile(paths[0], alertsKind, s.home); err != nil {
		return restorable(paths[0], err)
	}
	if s.checkpoints, err = openFile(paths[1], stateKind, s.home); err != nil {
		return restorable(paths[1], err)
	}
	return s.loadLimiter()
}

// find makes the files that are not there and reads whose they are. A file that is made
// anew belongs to the one that is there.
func (s *Store) find(paths [2]string) error {
	known := false
	for i, kind := range [2]fileKind{alertsKind, stateKind} {
		home, err := homeOf(paths[i], kind)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return restorable(paths[i], err)
		case known && home != s.home:
			return fmt.Errorf("%s is %w (%x) than %s (%x): put back the file that belongs here, or move %s away, and it is made anew from the log",
				paths[1], ErrForeign, home, paths[0], s.home, paths[1])
		}
		s.home, known = home, true
	}
	if !known {
		rand.Read(s.home[:]) // it never fails
	}
	for i, kind := range [2]fileKind{alertsKind, stateKind} {
		if err := create(paths[i], kind, s.home); err != nil {
			return err
		}
	}
	return nil
}

// restorable says of a damaged file what to do.
func restorable(path string, err error) error {
	switch {
	case !errors.Is(err, ErrDamaged):
		return err
	case filepath.Base(path) == stateName:
		return fmt.Errorf("%w; restore it from a backup, or move it away: it is made anew from the log, if that has its first record", err)
	}
	return fmt.Errorf("%w; restore it from a backup, with the files that belong to it", err)
}

// Home is what names the data directory: random bytes from when it was made.
func (s *Store) Home() [16]byte { return s.home }

// Close closes the files and gives the directory free.
func (s *Store) Close() error {
	s.bases.stop()
	err := errors.Join(s.alerts.close(), s.checkpoints.close())
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
		s.lock = nil
	}
	return err
}

// Sizes are the sizes of the files in bytes, with what is free in them.
func (s *Store) Sizes() (alerts, checkpoints int64) {
	return s.alerts.size(), s.checkpoints.size()
}

// private makes a directory that nobody else may enter.
func private(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file, and no directory for data: name another, which may be new", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	mode := info.Mode().Perm()
	if mode&0o077 == 0 || runtime.GOOS == "windows" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return os.Chmod(dir, 0o700)
	}
	return fmt.Errorf("data directory %s may be entered by others (mode %04o): chmod 700 %s", dir, mode, dir)
}
