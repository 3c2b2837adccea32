package main

import (
	"context"

	"weir/cep"
)

// blocksAhead is how many blocks the reader may be ahead of the engine: enough
// that neither waits for a hiccup of the other, and half a megabyte.
const blocksAhead = 8

// feed reads, decompresses and decodes on a goroutine of its own, so that a second
// core is of use, and hands blocks to the engine in order.
type feed struct {
	blocks  chan *block // closed after the last
	spare   chan *block // for the reader to fill again
	decoder *cep.Decoder
	err     error // what reading ended with; set before blocks is closed
}

// startFeed starts to read. It ends with the input, with an error of it, or
// when ctx is done; then it calls done. A read that blocks (on a pipe nobody
// writes to) is not interrupted.
func startFeed(ctx context.Context, read blockReader, decoder *cep.Decoder, done func()) *feed {
	f := &feed{decoder: decoder, blocks: make(chan *block, blocksAhead), spare: make(chan *block, blocksAhead+2)}
	go func() {
		defer done()
		f.err = f.read(ctx, read)
		close(f.blocks)
	}()
	return f
}

func (f *feed) read(ctx context.Context, read blockReader) error {
	for ctx.Err() == nil {
		b := f.take()
		if err := read.next(b); err != nil {
			return err
		}
		b.decode(f.decoder)
		select {
		case f.blocks <- b:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// next gives the next block. Once ctx is done it gives what has been read, but
// waits for nothing more. The error is io.EOF after the last block.
func (f *feed) next(ctx context.Context) (*block, error) {
	select {
	case b, ok := <-f.blocks:
		return f.last(b, ok)
	case <-ctx.Done():
	}
	select {
	case b, ok := <-f.blocks:
		return f.last(b, ok)
	default:
		return nil, ctx.Err()
	}
}

func (f *feed) last(b *block, ok bool) (*block, error) {
	if !ok {
		return nil, f.err
	}
	return b, nil
}

// take gives an empty block to fill.
func (f *feed) take() *block {
	select {
	case b := <-f.spare:
		b.reset()
		return b
	default:
		return &block{data: make([]byte, 0, 2*blockSize)}
	}
}

// free gives a block back. The engine keeps none of it: of what it holds on to
// it has made copies.
func (f *feed) free(b *block) {
	select {
	case f.spare <- b:
	default: // the reader has enough of them
	}
}
