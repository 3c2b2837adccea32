package list

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
)

// ParsePrefix reads an IP prefix (192.0.2.0/24) or an address, which is the prefix of
// that address alone. An IPv4 prefix in IPv6 form is the IPv4 prefix. A prefix with
// bits behind its length is an error: it is more often a slip than a network.
func ParsePrefix(s string) (netip.Prefix, error) {
	p, err := parsePrefix(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	if m := p.Masked(); m != p {
		return netip.Prefix{}, fmt.Errorf("the prefix %s has bits behind its length: write %s for the network or %s for the address", quoted(s), m, p.Addr())
	}
	return p, nil
}

// parsePrefix reads a prefix and leaves the bits behind its length.
func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, ok := parseAddr(s)
		if !ok {
			return netip.Prefix{}, fmt.Errorf("expected an IP address or prefix like 192.0.2.0/24, found %s", quoted(s))
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("expected an IP prefix like 192.0.2.0/24, found %s", quoted(s))
	}
	return plain(p), nil
}

// plain makes an IPv4 prefix of one in IPv6 form.
func plain(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// parseAddr reads an address without a zone.
func parseAddr(s string) (netip.Addr, bool) {
	if strings.Contains(s, "%") { // a zone, for which netip would allocate
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil
}

// CIDRContains reports whether the address ip lies in the prefix cidr: whether their
// first bits are equal, those of cidr behind its length do not matter. ok is false if
// cidr is no prefix or address, or ip no address. An IPv4 address in IPv6 form is an
// IPv4 address, and the families are apart.
func CIDRContains(cidr, ip string) (in, ok bool) {
	p, err := parsePrefix(cidr)
	if err != nil {
		return false, false
	}
	a, ok := parseAddr(ip)
	return ok && p.Contains(a), ok
}

// family is what a List knows of its prefixes of one family: where to look for those
// that contain an address. A prefix is found in the table by its bits, so an address is
// looked up once for each length that may be there, the longest first.
//
// The longer lengths are kept by block, which is the first 16 bits of an IPv4 address
// and the first 32 of an IPv6 one: near says which lengths there are in the blocks that
// share a place in it. A removed prefix leaves its bit there until near is made again;
// that costs a look in vain, no more.
type family struct {
	n    [129]uint32 // prefixes by length
	used [3]uint64   // a bit for each length that is there
	all  int         // prefixes
	near []uint64    // by hash of the block: a bit for each length, or for two in IPv6
}

const (
	v4Block   = 16
	v6Block   = 32
	leastNear = 16
)

// spot returns the place in near of the block that a key lies in.
func spot[K string | []byte](f *family, key K) *uint64 {
	block := uint32(key[1])<<8 | uint32(key[2])
	if key[0] == 6 {
		block = block<<16 | uint32(key[3])<<8 | uint32(key[4])
	}
	h := block * 0x9e3779b1
	return &f.near[(h^h>>16)&uint32(len(f.near)-1)]
}

// nearBit is the bit of a length in near; one below 0 stands for a length that is not
// kept there.
func nearBit(version byte, length int) int {
	if version == 4 {
		return length - v4Block
	}
	return (length - v6Block) >> 1
}

// mark notes the length of a prefix in near.
func (f *family) mark(key string) {
	if bit := nearBit(key[0], int(key[len(key)-1])); bit >= 0 {
		*spot(f, key) |= 1 << bit
	}
}

// family returns that of a key.
func (l *List) family(key string) *family {
	if key[0] == 4 {
		return &l.v4
	}
	return &l.v6
}

// addPrefix counts the prefix that entry i is.
func (l *List) addPrefix(i int) {
	key := l.key(i)
	f, length := l.family(key), key[len(key)-1]
	f.n[length]++
	f.used[length/64] |= 1 << (length % 64)
	f.all++
	if f.all > len(f.near) {
		l.survey(f, key[0], 2*(f.all-1))
		return
	}
	f.mark(key)
}

// removePrefix takes back what addPrefix did.
func (l *List) removePrefix(i int) {
	key := l.key(i)
	f, length := l.family(key), key[len(key)-1]
	f.all--
	if f.n[length]--; f.n[length] == 0 {
		f.used[length/64] &^= 1 << (length % 64)
	}
}

// survey makes near of a family again, with a place for each of n prefixes at least.
func (l *List) survey(f *family, version byte, n int) {
	size := leastNear
	for size < n {
		size *= 2
	}
	f.near = make([]uint64, size)
	for i := range l.entries {
		if key := l.key(i); key[0] == version {
			f.mark(key)
		}
	}
}

// findAddr returns the longest prefix that contains a and is there at t, or -1.
func (l *List) findAddr(a netip.Addr, t int64) int {
	var key [v6Key]byte
	if a.Is4() {
		b := a.As4()
		key[0] = 4
		copy(key[1:], b[:])
		return l.longest(&l.v4, key[:v4Key], t)
	}
	b := a.As16()
	key[0] = 6
	copy(key[1:], b[:])
	return l.longest(&l.v6, key[:], t)
}

// longest is findAddr for the address in key, which has room for a length behind it.
func (l *List) longest(f *family, key []byte, t int64) int {
	if f.all == 0 {
		return -1
	}
	near, last := *spot(f, key), len(key)-1
	for w := len(f.used) - 1; w >= 0; w-- {
		for used := f.used[w]; used != 0; {
			top := bits.Len64(used) - 1
			used &^= 1 << top
			length := w*64 + top
			if bit := nearBit(key[0], length); bit >= 0 && near>>bit&1 == 0 {
				continue
			}
			key[last] = byte(length)
			mask(key[1:last], length)
			if i := l.index(string(key)); i >= 0 && l.entries[i].there(t) {
				return i
			}
		}
	}
	return -1
}

// mask clears the bits of an address behind a length.
func mask(a []byte, length int) {
	i := length / 8
	if i == len(a) {
		return
	}
	a[i] &^= 0xff >> (length % 8)
	clear(a[i+1:])
}
