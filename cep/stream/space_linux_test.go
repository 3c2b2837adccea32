package stream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk returns a directory on a file system of its own. The test fails where that
// cannot be mounted.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Fatalf("no small file system can be mounted (%v): run this as root, or set WEIR_NO_MOUNT=1 to leave it out", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullDisk fills the disk by another file while lines are posted: appends fail, say
// why, and go on after a Restart when there is space again. What was answered is there.
func TestFullDisk(t *testing.T) {
	if os.Getenv("WEIR_NO_MOUNT") == "1" {
		t.Log("left out, as WEIR_NO_MOUNT=1 says that nothing can be mounted here")
		return
	}
	for name, durability := range map[string]Durability{"fsync": Fsync, "interval": Interval} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, 32<<20)
			l := open(t, Options{Dir: filepath.Join(disk, "log"), Durability: durability})
			p := packer(t, l, PackerOptions{})
			answered, n := map[string]bool{}, 0
			post := func() error {
				n++
				line := fmt.Sprintf("%d %s\n", n, strings.Repeat("x", 20<<10))
				_, err := p.Post(within(t), []byte(line), 1, nil)
				if err == nil {
					answered[line] = true
				}
				return err
			}
			for range 100 {
				if err := post(); err != nil {
					t.Fatal(err)
				}
			}
			other := filepath.Join(disk, "other")
			f, err := os.Create(other)
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = f.Write(make([]byte, 64<<10))
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			began := time.Now()
			for err = nil; err == nil; {
				err = post()
			}
			if !errors.Is(err, ErrNoSpace) || time.Since(began) > limit/2 {
				t.Errorf("on a full disk after %s: %v", time.Since(began), err)
			}
			if err := l.Health(within(t)); !errors.Is(err, ErrNoSpace) {
				t.Errorf("health: %v", err)
			}
			// A server that is restarted on a full disk has no more success.
			if err := l.Restart(within(t)); err == nil {
				err = l.Admit(l.Server())
				for err == nil {
					err = post()
				}
				if !errors.Is(err, ErrNoSpace) {
					t.Errorf("restarted on a full disk: %v", err)
				}
			} else if err := post(); !errors.Is(err, ErrUnavailable) {
				t.Errorf("without a server: %v", err)
			}
			if err := os.Remove(other); err != nil {
				t.Fatal(err)
			}
			if err := l.Restart(within(t)); err != nil {
				t.Fatal(err)
			}
			if err := l.Admit(l.Server()); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				if err := post(); err != nil {
					t.Fatalf("with space again: %v", err)
				}
			}
			times := map[string]int{}
			for _, line := range lines(t, l) {
				times[line]++
			}
			for line := range answered {
				if times[line] != 1 {
					t.Errorf("a line that was answered is there %d times", times[line])
				}
			}
			if len(times) > n {
				t.Errorf("%d lines are there, %d were posted", len(times), n)
			}
		})
	}
}
