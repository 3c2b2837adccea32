package main

import (
	"bufio"
	"io"
	"os"

	"weir/cep"
)

// stdoutName is how the command line names standard output.
const stdoutName = "-"

// outputs are where alerts, late events and decisions go.
type outputs struct {
	alerts          *output
	late, decisions *output // nil: they are not wanted
	line            []byte
}

// output is a file of lines.
type output struct {
	*bufio.Writer
	file io.Closer // nil: not ours to close
}

// openOutputs opens what has a name.
func openOutputs(alerts, late, decisions string, std *streams) (*outputs, error) {
	o := &outputs{}
	for _, to := range []struct {
		out  **output
		name string
	}{{&o.alerts, alerts}, {&o.late, late}, {&o.decisions, decisions}} {
		if to.name == "" {
			continue
		}
		out, err := openOutput(to.name, std)
		if err != nil {
			o.close()
			return nil, err
		}
		*to.out = out
	}
	return o, nil
}

func openOutput(name string, std *streams) (*output, error) {
	if name == stdoutName {
		return &output{Writer: bufio.NewWriterSize(std.out, blockSize)}, nil
	}
	// Not os.Create, which opens for reading too: of a FIFO that would be its
	// own reader.
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, err
	}
	return &output{bufio.NewWriterSize(f, blockSize), f}, nil
}

// outputInfo describes the file that an output name stands for, nil if there is
// none yet.
func outputInfo(name string, std *streams) os.FileInfo {
	if name == stdoutName {
		if f, ok := std.out.(*os.File); ok {
			info, _ := f.Stat()
			return info
		}
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil
	}
	return info
}

// overwritten says whether writing to out destroys what other is: whether both
// are one file. A terminal or /dev/null may well be both.
func overwritten(out, other os.FileInfo) bool {
	return out != nil && other != nil && out.Mode().IsRegular() && os.SameFile(out, other)
}

// write writes what a step made and passes it on at once: who reads a pipe is
// not to wait for the next block.
func (o *outputs) write(e *cep.Effects) error {
	for i := range e.Alerts {
		o.line = append(cep.AppendJSON(o.line[:0], &e.Alerts[i]), '\n')
		if _, err := o.alerts.Write(o.line); err != nil {
			return err
		}
	}
	if o.late != nil {
		for i := range e.Late {
			o.line = append(append(o.line[:0], e.Late[i].Raw...), '\n')
			if _, err := o.late.Write(o.line); err != nil {
				return err
			}
		}
		if err := o.late.Flush(); err != nil {
			return err
		}
	}
	if err := o.writeDecisions(e.Decisions); err != nil {
		return err
	}
	return o.alerts.Flush()
}

// close writes what is left and reports what could not be written.
func (o *outputs) close() error {
	var err error
	for _, out := range []*output{o.alerts, o.late, o.decisions} {
		if out == nil {
			continue
		}
		if closed := out.close(); err == nil {
			err = closed
		}
	}
	return err
}

func (o *output) close() error {
	err := o.Flush()
	if o.file != nil {
		if closed := o.file.Close(); err == nil {
			err = closed
		}
	}
	return err
}
