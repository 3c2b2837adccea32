package rules

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"weir/rules/source"
)

// Applied is what a folder had when it was applied last, for as long as what was published since
// came from elsewhere. What is in force differs from it where somebody else has changed it.
type Applied struct {
	Digest string            `json:"digest"` // of its files, tests and lists, and of the settings
	Lists  []string          `json:"lists"`  // paths of the files of lists that it named, in order
	Parts  map[string]string `json:"parts"`  // digests of its parts, by Part.key, and of its files of lists
}

// Folder is a folder of rules.
type Folder struct {
	Files []source.File
	Tests []source.File
	Read  func(path string) ([]byte, error) // reads the files that lists name, as os.ReadFile does
}

// fileSection is the section of files of lists, as if they were parts.
const fileSection = "files"

// key is how a record names a part.
func (p Part) key() string { return p.Section + "/" + p.Name }

func (p Part) compare(o Part) int {
	return cmp.Or(cmp.Compare(p.Section, o.Section), cmp.Compare(p.Name, o.Name))
}

// Apply notes that what is published comes from a folder, with its tests.
func (p *Published) Apply(f *Folder) {
	p.SetTests(f.Tests)
	a := &Applied{Lists: p.listPaths(), Parts: map[string]string{}}
	a.Digest = f.digest(a.Lists, p.Settings)
	for part, digest := range f.parts(a.Lists) {
		a.Parts[part.key()] = digest
	}
	p.Applied = a
}

// SetTests says which tests stand beside the files.
func (p *Published) SetTests(files []source.File) { p.Tests = publishedFiles(files) }

// Follow notes that what is published comes from elsewhere than a folder: what was applied last
// from one, and the tests, are those of what was published before.
func (p *Published) Follow(before *Published) {
	p.Applied, p.Tests = before.applied(), before.Tests
}

// applied is what the folder had that was applied last. A record without it comes from one.
func (p *Published) applied() *Applied {
	if p.Applied != nil {
		return p.Applied
	}
	a := &Applied{Lists: p.listPaths(), Parts: map[string]string{}}
	for part, digest := range p.parts() {
		a.Parts[part.key()] = digest
	}
	return a
}

// Unchanged says whether a folder is what it was when it was applied last, with the same
// settings, whether it has errors by now or not.
func (p *Published) Unchanged(f *Folder, s Settings) bool {
	if p.Applied == nil {
		return p.Same(f.Files, f.Read, s)
	}
	if p.Applied.Digest == "" { // it was never compared: the record came from another weir
		return p.Settings == s && maps.Equal(p.Applied.keyed(f.parts(p.Applied.Lists)), p.Applied.Parts)
	}
	return f.digest(p.Applied.Lists, s) == p.Applied.Digest
}

func (a *Applied) keyed(parts map[Part]string) map[string]string {
	all := map[string]string{}
	for part, digest := range parts {
		all[part.key()] = digest
	}
	return all
}

// Merge gives a folder with what was changed elsewhere since it was applied last: each part that
// has changed in the folder alone is the folder's, each that has changed elsewhere alone is the
// one in force. both are those that have changed in both, to something different, in order: what
// to do with them is not for a program to say, and nothing else is given.
func (p *Published) Merge(f *Folder) (merged *Folder, both []Part, err error) {
	base := p.applied().Parts
	here, there := f.parts(p.bothLists(f)), p.parts()
	all := map[Part]bool{}
	for part := range here {
		all[part] = true
	}
	for part := range there {
		all[part] = true
	}
	theirs := map[string]bool{} // files of lists
	files := f.Files
	for _, part := range slices.SortedFunc(maps.Keys(all), Part.compare) {
		was, now, forced := base[part.key()], here[part], there[part]
		switch {
		case now == forced || forced == was:
			continue // the folder's will do
		case now != was:
			both = append(both, part)
			continue
		case part.Section == fileSection:
			theirs[part.Name] = true
			continue
		}
		if text, _, ok := TextOf(p.sources(), part); ok {
			files, err = Put(files, part, text)
		} else {
			files, err = Remove(files, part)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("the %s has changed since the folder was applied, and cannot be put into it: %w", part, err)
		}
	}
	if len(both) > 0 {
		return nil, both, nil
	}
	own := p.ReadList
	return &Folder{Files: files, Tests: f.Tests, Read: func(path string) ([]byte, error) {
		if theirs[path] {
			return own(path)
		}
		data, err := f.Read(path)
		if err != nil {
			if kept, e := own(path); e == nil {
				return kept, nil
			}
		}
		return data, err
	}}, nil, nil
}

// ReadList reads a file of a list as it was published, if its parts were gathered.
func (p *Published) ReadList(path string) ([]byte, error) {
	if data, ok := p.Lists[path]; ok {
		return data, nil
	}
	return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
}

// Sources are the files of rules that are published.
func (p *Published) Sources() []source.File { return p.sources() }

// TestFiles are the files of tests that are published with them.
func (p *Published) TestFiles() []source.File {
	files := make([]source.File, len(p.Tests))
	for i, f := range p.Tests {
		files[i] = source.File{Path: f.Path, Text: f.Text}
	}
	return files
}

func publishedFiles(files []source.File) []PublishedFile {
	var all []PublishedFile
	for _, f := range files {
		all = append(all, PublishedFile{f.Path, f.Text})
	}
	slices.SortFunc(all, func(a, b PublishedFile) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// ListPaths are the paths of the files that lists name, in order.
func (p *Published) ListPaths() []string { return p.listPaths() }

func (p *Published) listPaths() []string {
	all := map[string]bool{}
	for path := range p.Lists {
		all[path] = true
	}
	for path := range p.Staged {
		all[path] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func (p *Published) bothLists(f *Folder) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(p.applied().Lists, p.listPaths()))))
}

// parts are those that are published, with a digest of each.
func (p *Published) parts() map[Part]string {
	all := Parts(p.sources())
	for path, data := range p.Lists {
		all[Part{fileSection, path}] = digestOf(data)
	}
	for path, s := range p.Staged {
		all[Part{fileSection, path}] = s.Digest
	}
	return all
}

// parts are those of a folder, with a digest of each; of files of lists those with some paths.
func (f *Folder) parts(lists []string) map[Part]string {
	all := Parts(f.Files)
	for _, path := range lists {
		if data, err := f.Read(path); err == nil {
			all[Part{fileSection, path}] = digestOf(data)
		}
	}
	return all
}

// digest is one of all that a folder has, and of settings.
func (f *Folder) digest(lists []string, s Settings) string {
	var b bytes.Buffer
	for _, files := range [][]PublishedFile{publishedFiles(f.Files), publishedFiles(f.Tests)} {
		fmt.Fprintf(&b, "%d files ", len(files))
		for _, x := range files {
			fmt.Fprintf(&b, "%d:%s%d:%s", len(x.Path), x.Path, len(x.Text), x.Text)
		}
	}
	for _, path := range lists {
		data, err := f.Read(path)
		fmt.Fprintf(&b, "%d:%s%s %t", len(path), path, digestOf(data), err == nil)
	}
	fmt.Fprint(&b, s)
	return digestOf(b.Bytes())
}
