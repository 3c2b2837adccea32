package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"weir/cep"
	"weir/cep/stream"
	"weir/state"
)

// Names in a data directory that are looked for before it is opened: opening makes what is
// not there.
const (
	logFolder  = "log"
	alertsFile = "alerts.db"
	stateFile  = "state.db"
)

// offline is a data directory that no service has open: its files, and a copy of its log.
// It is a copy because a server that opens a log writes to it.
type offline struct {
	dir    string
	store  *state.Store
	log    *stream.Log // nil until openLog
	copied string      // folder of the copy; empty: the log is not copied, as others have it
}

// openOffline takes the directory for this process. Nothing in it changes, but for the
// file lock, which has the number of the process.
func openOffline(dir string) (*offline, error) {
	for _, name := range []string{alertsFile, stateFile} {
		_, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s has no file %s: expected the data directory of a service that ran, as in weir serve --data", dir, name)
		}
		if err != nil {
			return nil, err
		}
	}
	store, err := state.Open(dir, state.Options{})
	if errors.Is(err, state.ErrInUse) {
		return nil, fmt.Errorf("%w: stop the service first", err)
	}
	if err != nil {
		return nil, err
	}
	return &offline{dir: dir, store: store}, nil
}

// openLog opens the log: that of servers, where they have it, or else a copy.
func (o *offline) openLog(ctx context.Context, from natsFlags) error {
	url, err := logOutside(o.dir)
	if err != nil {
		return err
	}
	if url == "" && from.Nats == "" {
		return o.copyLog(ctx)
	}
	o.log, err = from.open(ctx, o.dir, url)
	return err
}

// copyLog copies the log to a folder for temporary files and opens the copy.
func (o *offline) copyLog(ctx context.Context) error {
	var err error
	if o.copied, err = os.MkdirTemp("", "weir-log-"); err != nil {
		return err
	}
	if err := copyFolder(ctx, filepath.Join(o.dir, logFolder), o.copied); err != nil {
		return fmt.Errorf("the log could not be copied to %s, where it is read (TMPDIR names another folder): %w", o.copied, err)
	}
	// Whatever size it has, it is not to be too large.
	o.log, err = stream.Open(ctx, stream.Options{Dir: o.copied, Size: 1 << 40, Durability: stream.Interval})
	return err
}

// copyFolder copies the files of a folder, if it is there.
func copyFolder(ctx context.Context, from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if path == from && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		return copyFile(path, filepath.Join(to, name))
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}

// close gives the directory free and removes the copy.
func (o *offline) close() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if o.log != nil {
		o.log.Close(ctx) // nothing was appended
	}
	if o.copied != "" {
		os.RemoveAll(o.copied)
	}
	o.store.Close() // nothing was left to write
}

// reached is how far the alerts have come.
func (o *offline) reached() (cep.Mark, error) {
	mark, err := o.store.Mark()
	mark.Position.Incarnation = max(1, mark.Position.Incarnation) // of a directory without effects
	return mark, err
}

// behind says whether a position lies after another one.
func behind(p, after cep.Position) bool {
	return p.Incarnation > after.Incarnation || p.Incarnation == after.Incarnation && p.Sequence > after.Sequence
}
