//go:build linux

package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// diskSize is the size of the file system that gets full, as mount is told.
const diskSize = "size=48m"

// TestFullDisk fills the file system of a service's directory while clients post, and frees
// it again: nobody is told that an event is taken which is not, and the service goes on by
// itself. Where nobody may mount a file system it fails, unless WEIR_NO_MOUNT=1.
func TestFullDisk(t *testing.T) {
	if os.Getenv("WEIR_NO_MOUNT") == "1" {
		t.Log("WEIR_NO_MOUNT=1: nothing is mounted and no disk is full")
		return
	}
	if os.Geteuid() != 0 {
		asRoot(t)
		return
	}
	for _, test := range []struct{ name, reserve string }{{"without a reserve", "0B"}, {"with a reserve", "16MB"}} {
		t.Run(test.name, func(t *testing.T) { fullDisk(t, test.reserve) })
	}
}

// asRoot runs the test again where this user is root: in namespaces of its own.
func asRoot(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	again := exec.Command(self, "-test.run", "^TestFullDisk$", "-test.v")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("a file system has to be mounted for this test (WEIR_NO_MOUNT=1 goes without): %v\n%s", err, out)
	}
}

func fullDisk(t *testing.T, reserve string) {
	disk := t.TempDir()
	if err := syscall.Mount("weir", disk, "tmpfs", 0, diskSize); err != nil {
		t.Fatalf("a file system has to be mounted for this test (WEIR_NO_MOUNT=1 goes without): %v", err)
	}
	defer func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	seed := seeded(t)
	h := newHost(t, disk, servedRules, crashArgs("--set", "log.size=16MB", "--set", "state.reserve="+reserve)...)
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c := newCrowd(t, 8, seed)
	c.open(s.url, 1<<40)
	c.goesOn(1000)
	for round := range 3 {
		filling := time.Now()
		freed := fill(t, filepath.Join(disk, "other"))
		c.refused()
		full := time.Since(filling)
		time.Sleep(time.Duration(round) * time.Second)
		before := c.count()
		freed()
		begun := time.Now()
		c.goesOn(before + 1000)
		t.Logf("round %d: refusing %v after the disk was being filled, going on %v after there was space", round, full.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
		if t.Failed() {
			t.Fatal(s.said()[max(0, len(s.said())-10_000):])
		}
	}
	c.close()
	s.settled()
	s.stop()
	a := newArchive(t)
	last := a.extend(t, h.data, 16<<20)
	a.once(t, c.ackedNow())
	a.agrees(t, h.data, last)
	t.Logf("%d events acked; answers by status: %v", c.count(), c.tried)
	for status := range c.tried {
		if status != http.StatusInsufficientStorage && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
			t.Errorf("requests were answered with %d", status)
		}
	}
	if strings.Contains(s.said(), "panic") {
		t.Error(s.said())
	}
}

// refused waits until requests are refused for lack of space.
func (c *crowd) refused() {
	c.t.Helper()
	was := c.refusals()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		now := c.refusals()
		if now[http.StatusInsufficientStorage]+now[http.StatusServiceUnavailable] > was[http.StatusInsufficientStorage]+was[http.StatusServiceUnavailable]+8 {
			return
		}
		if time.Since(begun) > patience {
			c.t.Errorf("nobody is refused after %v on a full disk: %v", patience, now)
			return
		}
	}
}

// fill takes all space of a file system, also what becomes free, until freed is called.
func fill(t *testing.T, path string) (freed func()) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for block := make([]byte, 64<<10); ; {
			_, err := f.Write(block)
			if err != nil && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, io.ErrShortWrite) {
				t.Errorf("filling the disk: %v", err)
				return
			}
			if err == nil {
				continue
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() {
		close(stop)
		<-ended
		must(t, f.Close())
		must(t, os.Remove(path))
	}
}
