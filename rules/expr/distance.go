package expr

import (
	"math"

	"weir/cep"
)

// earthRadius is the mean radius of the Earth in km (IUGG).
const earthRadius = 6371.0088

// distanceKM is the length in km of the great circle between two places in
// degrees, on a sphere; ok is false where they are none. It is rounded to the
// millimetre: the last bits of the functions below it may differ between
// processors, and a replay must not.
func distanceKM(lat1, lon1, lat2, lon2 float64) (km float64, ok bool) {
	if !isPlace(lat1, lon1) || !isPlace(lat2, lon2) {
		return 0, false
	}
	const degree = math.Pi / 180
	north := math.Sin((lat2 - lat1) * degree / 2)
	east := math.Sin((lon2 - lon1) * degree / 2)
	narrowing := math.Cos(lat1*degree) * math.Cos(lat2*degree)
	h := float64(north*north) + float64(narrowing*float64(east*east))
	km = 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
	return math.Round(km*1e6) / 1e6, true
}

// isPlace reports whether lat and lon are degrees of a place.
func isPlace(lat, lon float64) bool {
	return lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180
}

func distanceFunc(a [6]cep.Value) cep.Value {
	km, ok := distanceKM(a[0].Number(), a[1].Number(), a[2].Number(), a[3].Number())
	if !ok {
		return cep.Value{}
	}
	return cep.NumberValue(km)
}

// speedFunc is the speed from one place and time to another, whichever is
// earlier; at one time it is nil, as all divisions by zero are.
func speedFunc(a [6]cep.Value) cep.Value {
	km, ok := distanceKM(a[0].Number(), a[1].Number(), a[3].Number(), a[4].Number())
	ns, fits := computeSpan(subtract, a[5].Int(), a[2].Int())
	if !ok || !fits {
		return cep.Value{}
	}
	const hour = 3600e9
	return cep.NumberValue(km / (math.Abs(float64(ns)) / hour))
}

// maxEdit bounds the texts that are compared letter by letter, in characters:
// names, addresses and the like are shorter, and two of this length take some
// 0.1 ms.
const maxEdit = 256

// editDistance is the least number of characters to insert, remove or change to
// make b of a; ok is false if one has more than maxEdit characters.
func editDistance(a, b string) (d int, ok bool) {
	var abuf, bbuf [maxEdit]rune
	x, ok1 := runes(a, &abuf)
	y, ok2 := runes(b, &bbuf)
	if !ok1 || !ok2 {
		return 0, false
	}
	var rowbuf [maxEdit + 1]int
	row := rowbuf[:len(y)+1]
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			change := diagonal
			if x[i] != y[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(y)], true
}

// runes puts the characters of s into buf.
func runes(s string, buf *[maxEdit]rune) ([]rune, bool) {
	n := 0
	for _, r := range s {
		if n == maxEdit {
			return nil, false
		}
		buf[n] = r
		n++
	}
	return buf[:n], true
}
