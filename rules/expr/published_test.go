package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/cep"
)

// The functions of the language against values that others have published, through
// whole expressions: in both languages, by closures and by the machine, of constants
// and of fields.

// gives checks an expression over an event with some fields.
func gives(t *testing.T, text, want string, fields row) {
	t.Helper()
	for _, schema := range []bool{false, true} {
		w := scene{schema: schema, current: true, event: newEvent(9, "payment", 0, fields)}
		checkRows(t, []valueRow{{text, want, text}}, w)
	}
}

// TestPublishedDistances: great circles on a sphere. radius is that of the source in
// km; distances go with it.
func TestPublishedDistances(t *testing.T) {
	const mean = 6371.0088 // of the Earth by the IUGG: (2a + b)/3 of GRS 80
	if earthRadius != mean {
		t.Errorf("the radius is %v", earthRadius)
	}
	for _, c := range []struct {
		source                         string
		lat1, lon1, lat2, lon2, radius float64
		km, within                     float64
	}{
		{"Rosetta Code, Haversine formula: Nashville to Los Angeles", 36.12, -86.67, 33.94, -118.40, 6372.8, 2887.2599506071106, 1e-6},
		{"PyPI haversine, README: Lyon to Paris", 45.7597, 4.8422, 48.8567, 2.3508, mean, 392.2172595594006, 1e-6},
		{"scikit-learn, haversine_distances: Buenos Aires to Paris", -34.83333, -58.5166646, 49.0083899664, 2.53844117956, 6371, 11099.54035582, 1e-6},
		{"Movable Type, Calculate distance: Land's End to John o' Groats", 50 + 3.0/60 + 59.0/3600, -(5 + 42.0/60 + 53.0/3600), 58 + 38.0/60 + 38.0/3600, -(3 + 4.0/60 + 12.0/3600), 6371, 968.9, 0.05},
		{"a quarter of a meridian", 0, 10, 90, 10, mean, mean * math.Pi / 2, 1e-6},
		{"half of the equator, over the date line", 0, 90, 0, -90, mean, mean * math.Pi, 1e-6},
		{"pole to pole", -90, 0, 90, 123, mean, mean * math.Pi, 1e-6},
		{"a degree of the equator over the date line", 0, 179.5, 0, -179.5, mean, mean * math.Pi / 180, 1e-6},
		{"the parallel of 60°: half of it is no great circle", 60, 0, 60, 180, mean, mean * math.Pi / 3, 1e-6},
		{"the pole has one place", 90, 0, 90, 77, mean, 0, 1e-6},
	} {
		place := fmt.Sprintf("lat, lon, %v, %v", c.lat2, c.lon2)
		want := c.km / c.radius * mean
		fields := row{"lat": num(c.lat1), "lon": num(c.lon1), "created": cep.TimeValue(sceneTime - 90*60e9)}
		gives(t, fmt.Sprintf("abs(distance_km(%s) - %v) <= %v", place, want, c.within), "true", fields)
		gives(t, fmt.Sprintf("distance_km(%s) == distance_km(%v, %v, lat, lon)", place, c.lat2, c.lon2), "true", fields)
		gives(t, fmt.Sprintf("abs(speed_kmh(lat, lon, created, %v, %v, ts) * 1.5 - %v) <= %v", c.lat2, c.lon2, want, 2*c.within), "true", fields)
	}
}

// TestPublishedEditDistances: of Levenshtein; two letters that change places are two
// changes.
func TestPublishedEditDistances(t *testing.T) {
	for _, c := range []struct {
		source, a, b string
		want         int
	}{
		{"Wikipedia, Levenshtein distance", "kitten", "sitting", 3},
		{"Wikipedia, Levenshtein distance", "Saturday", "Sunday", 3},
		{"Wikipedia, Levenshtein distance", "flaw", "lawn", 2},
		{"Wikipedia, Levenshtein distance", "uninformed", "uniformed", 1},
		{"Rosetta Code, Levenshtein distance", "rosettacode", "raisethysword", 8},
		{"Rosetta Code, Levenshtein distance", "sleep", "fleeting", 5},
		{"Jurafsky and Martin, Speech and Language Processing", "intention", "execution", 5},
		{"NIST Dictionary of Algorithms: not 2, as with transpositions", "CA", "ABC", 3},
		{"Apache Commons Text, LevenshteinDistance", "fly", "ant", 3},
		{"Apache Commons Text, LevenshteinDistance", "elephant", "hippo", 7},
		{"Apache Commons Text, LevenshteinDistance", "hippo", "zzzzzzzz", 8},
		{"Apache Commons Text, LevenshteinDistance", "", "a", 1},
		{"Apache Commons Text, LevenshteinDistance", "aaapppp", "", 7},
		{"characters, not bytes", "Straße", "Strasse", 2},
		{"characters, not bytes", "日本語", "日本", 1},
		{"a letter and its accent are two characters", "e\u0301", "é", 2},
		{"256 characters are the most", strings.Repeat("ä", 256), "", 256},
	} {
		fields := row{"status": text(c.a), "email": text(c.b)}
		gives(t, "edit_distance(status, email)", strconv.Itoa(c.want), fields)
		gives(t, "edit_distance(email, status)", strconv.Itoa(c.want), fields)
		gives(t, fmt.Sprintf("edit_distance(%q, %q)", c.a, c.b), strconv.Itoa(c.want), fields)
	}
	for _, long := range []string{strings.Repeat("ä", 257), strings.Repeat("ab", 2000)} {
		gives(t, "edit_distance(status, email)", "nil", row{"status": text(long), "email": text("a")})
		gives(t, "edit_distance(email, status)", "nil", row{"status": text(long), "email": text(long)})
	}
}

// TestPublishedCalendars: what clocks showed around changes of theirs, as the IANA
// time zone database has them, and days of the week.
func TestPublishedCalendars(t *testing.T) {
	for _, c := range []struct {
		moment, zone  string
		hour, weekday int
		date          string
	}{
		{"1970-01-01T00:00:00Z", "UTC", 0, 4, "1970-01-01"},
		{"1969-07-20T20:17:40Z", "UTC", 20, 0, "1969-07-20"},
		{"1776-07-04T12:00:00Z", "UTC", 12, 4, "1776-07-04"},
		{"1900-02-28T23:59:59.999999999Z", "UTC", 23, 3, "1900-02-28"},
		{"1900-03-01T00:00:00Z", "UTC", 0, 4, "1900-03-01"}, // no leap year
		{"2000-02-29T00:00:00Z", "UTC", 0, 2, "2000-02-29"},
		{"2024-02-29T23:59:59Z", "UTC", 23, 4, "2024-02-29"},
		{"2038-01-19T03:14:08Z", "UTC", 3, 2, "2038-01-19"},
		{"2199-12-31T23:00:00Z", "UTC", 23, 2, "2199-12-31"},

		// An hour is left out.
		{"2026-03-29T00:59:59.999Z", "Europe/Paris", 1, 0, "2026-03-29"},
		{"2026-03-29T01:00:00Z", "Europe/Paris", 3, 0, "2026-03-29"},
		{"2026-03-08T06:59:59Z", "America/New_York", 1, 0, "2026-03-08"},
		{"2026-03-08T07:00:00Z", "America/New_York", 3, 0, "2026-03-08"},
		// An hour comes twice.
		{"2026-10-25T00:59:59Z", "Europe/Paris", 2, 0, "2026-10-25"},
		{"2026-10-25T01:59:59Z", "Europe/Paris", 2, 0, "2026-10-25"},
		{"2026-10-25T02:00:00Z", "Europe/Paris", 3, 0, "2026-10-25"},
		{"2026-11-01T05:30:00Z", "America/New_York", 1, 0, "2026-11-01"},
		{"2026-11-01T06:30:00Z", "America/New_York", 1, 0, "2026-11-01"},
		// Midnight is left out, or comes twice.
		{"2017-10-15T02:59:59Z", "America/Sao_Paulo", 23, 6, "2017-10-14"},
		{"2017-10-15T03:00:00Z", "America/Sao_Paulo", 1, 0, "2017-10-15"},
		{"2018-02-18T01:59:59Z", "America/Sao_Paulo", 23, 6, "2018-02-17"},
		{"2018-02-18T02:00:00Z", "America/Sao_Paulo", 23, 6, "2018-02-17"},
		{"2018-02-18T03:00:00Z", "America/Sao_Paulo", 0, 0, "2018-02-18"},
		// 30 December 2011 was no day in Samoa.
		{"2011-12-30T09:59:59Z", "Pacific/Apia", 23, 4, "2011-12-29"},
		{"2011-12-30T10:00:00Z", "Pacific/Apia", 0, 6, "2011-12-31"},
		// Half hours and quarters.
		{"2026-04-04T14:59:59Z", "Australia/Lord_Howe", 1, 0, "2026-04-05"},
		{"2026-04-04T15:00:00Z", "Australia/Lord_Howe", 1, 0, "2026-04-05"},
		{"2026-04-04T15:30:00Z", "Australia/Lord_Howe", 2, 0, "2026-04-05"},
		{"2026-01-01T18:14:59Z", "Asia/Kathmandu", 23, 4, "2026-01-01"},
		{"2026-01-01T18:15:00Z", "Asia/Kathmandu", 0, 5, "2026-01-02"},
	} {
		at, err := time.Parse(time.RFC3339Nano, c.moment)
		if err != nil {
			t.Fatal(err)
		}
		fields := row{"created": cep.TimeValue(at.UnixNano()), "zone": text(c.zone)}
		for _, zone := range []string{strconv.Quote(c.zone), "zone"} {
			gives(t, "hour(created, "+zone+")", strconv.Itoa(c.hour), fields)
			gives(t, "weekday(created, "+zone+")", strconv.Itoa(c.weekday), fields)
			gives(t, "date(created, "+zone+")", strconv.Quote(c.date), fields)
		}
		if c.zone == "UTC" {
			gives(t, "hour(created)", strconv.Itoa(c.hour), fields)
			gives(t, "weekday(created)", strconv.Itoa(c.weekday), fields)
			gives(t, "date(created)", strconv.Quote(c.date), fields)
		}
	}
	for _, zone := range []string{"Local", "", "Europe/Nowhere", "europe/paris", "../UTC"} {
		gives(t, "hour(created, zone)", "nil", row{"created": cep.TimeValue(0), "zone": text(zone)})
	}
}

// TestPublishedPrefixes: CIDR as RFC 4632 (section 5.1), RFC 1918, 4291 and 5737 have
// it.
func TestPublishedPrefixes(t *testing.T) {
	for _, c := range []struct{ cidr, ip, want string }{
		// RFC 4632: provider PA has 10.24.0.0/13, C1 10.24.0.0/21, C2 10.24.16.0/20, C3 10.24.8.0/22, C4 10.24.12.0/22.
		{"10.24.0.0/13", "10.24.0.0", "true"},
		{"10.24.0.0/13", "10.31.255.255", "true"},
		{"10.24.0.0/13", "10.32.0.0", "false"},
		{"10.24.0.0/13", "10.23.255.255", "false"},
		{"10.24.0.0/21", "10.24.7.255", "true"},
		{"10.24.0.0/21", "10.24.8.0", "false"},
		{"10.24.16.0/20", "10.24.31.255", "true"},
		{"10.24.16.0/20", "10.24.32.0", "false"},
		{"10.24.8.0/22", "10.24.11.255", "true"},
		{"10.24.8.0/22", "10.24.12.0", "false"},
		{"10.24.12.0/22", "10.24.15.255", "true"},
		// RFC 1918, RFC 5737
		{"172.16.0.0/12", "172.31.255.255", "true"},
		{"172.16.0.0/12", "172.32.0.0", "false"},
		{"192.168.0.0/16", "192.168.255.255", "true"},
		{"198.51.100.0/24", "198.51.101.0", "false"},
		{"203.0.113.7/32", "203.0.113.7", "true"},
		{"203.0.113.7", "203.0.113.7", "true"},
		{"203.0.113.7/32", "203.0.113.6", "false"},
		{"203.0.113.6/31", "203.0.113.7", "true"},
		{"0.0.0.0/0", "255.255.255.255", "true"},
		// RFC 4291: an IPv4 address in IPv6 form (2.5.5.2), compressed forms (2.2), prefixes (2.3)
		{"192.0.2.0/24", "::ffff:192.0.2.33", "true"},
		{"192.0.2.0/24", "::FFFF:c000:221", "true"},
		{"::ffff:192.0.2.0/120", "192.0.2.255", "true"},
		{"::ffff:0.0.0.0/96", "192.0.2.255", "true"},
		{"::/0", "192.0.2.1", "false"},
		{"0.0.0.0/0", "2001:db8::1", "false"},
		{"2001:db8::/32", "2001:0DB8:0:0:8:800:200C:417A", "true"},
		{"2001:db8::/32", "2001:db9::", "false"},
		{"2001:0DB8:0000:CD30::/60", "2001:db8:0:cd3f:ffff:ffff:ffff:ffff", "true"},
		{"2001:0DB8:0000:CD30::/60", "2001:db8:0:cd40::", "false"},
		{"::1/128", "0:0:0:0:0:0:0:1", "true"},
		{"fe80::/10", "febf::1", "true"},
		{"fe80::/10", "fec0::1", "false"},
		// None
		{"10.24.0.0/13", "10.24.0", "nil"},
		{"10.24.0.0/13", "010.24.0.1", "nil"},
		{"10.24.0.0/13", "10.24.0.0/32", "nil"},
		{"10.24.0.0/13", "fe80::1%eth0", "nil"},
		{"10.24.0.0/13", "", "nil"},
	} {
		fields := row{"status": text(c.cidr), "email": text(c.ip)}
		gives(t, "cidr_contains(status, email)", c.want, fields)
		gives(t, fmt.Sprintf("cidr_contains(%q, email)", c.cidr), c.want, fields)
	}
	for _, cidr := range []string{"10.24.0.0/33", "10.24.0.0/-1", "10.24.0.0/013", "10.24/13", "2001:db8::/129", "net", ""} {
		gives(t, "cidr_contains(status, email)", "nil", row{"status": text(cidr), "email": text("10.24.0.1")})
	}
	// Bits behind the length say nothing where the prefix is a field.
	gives(t, "cidr_contains(status, email)", "true", row{"status": text("10.24.5.7/13"), "email": text("10.31.0.1")})
}

// TestPublishedNil: a function given nil, or an argument of the wrong type, is nil;
// list_value is its default.
func TestPublishedNil(t *testing.T) {
	args := map[string]string{
		"distance_km":   "n n n n",
		"speed_kmh":     "n n t n n e",
		"hour":          "t z",
		"weekday":       "t z",
		"date":          "t z",
		"seconds":       "d",
		"in_list":       "l s",
		"list_value":    "r s",
		"cidr_contains": "p i",
		"edit_distance": "s s",
	}
	sound := map[string]string{
		"n": "lat", "t": "created", "e": "ts", "z": "zone", "d": "(ts - created)", "s": "country", "l": `"vip"`, "r": `"rates"`,
		"p": "status", "i": "email",
	}
	fields := row{
		"lat": num(1), "created": cep.TimeValue(sceneTime - 1), "zone": text("Europe/Paris"), "country": text("KP"),
		"status": text("10.0.0.0/8"), "email": text("10.1.1.1"), "flag": yes(), "tags": array(`[1]`), "device": object(`{"a":1}`),
	}
	for name, of := range args {
		kinds := strings.Fields(of)
		call := func(i int, other string) string {
			parts := make([]string, len(kinds))
			for k, kind := range kinds {
				parts[k] = sound[kind]
			}
			if i >= 0 {
				parts[i] = other
			}
			return name + "(" + strings.Join(parts, ", ") + ")"
		}
		w := scene{current: true, event: newEvent(9, "payment", 0, fields)}
		if f, err := CompileValue(call(-1, ""), w.env()); err != nil || f(w.scope()).Kind == cep.Nil {
			t.Errorf("%s is nil: %v", call(-1, ""), err)
		}
		for i, kind := range kinds {
			if kind == "l" || kind == "r" {
				continue // the name of a list is a text that stands there
			}
			for _, other := range []string{"nothing", "tags", "device", "event.nowhere"} {
				checkRows(t, []valueRow{{call(i, other), "nil", call(i, other)}}, w)
			}
			if kind != "s" || name == "edit_distance" { // the text of a bool could be an entry
				checkRows(t, []valueRow{{call(i, "flag"), "nil", call(i, "flag")}}, w)
			}
		}
	}
	checkRows(t, []valueRow{
		{`list_value("rates", nothing, 7)`, "7", `list_value("rates", nothing, 7.0)`},
		{`list_value("rates", tags, 7)`, "7", `list_value("rates", tags, 7)`},
	}, scene{current: true, event: newEvent(9, "payment", 0, fields)})
}
