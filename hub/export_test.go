package hub

import (
	"context"
	"time"
)

// SetPause replaces the pause between two tries.
func (c *Client) SetPause(f func(context.Context, time.Duration) error) { c.pause = f }

// SetFree replaces the look at the free space of a disk.
func (c *Client) SetFree(f func(dir string) (int64, bool)) { c.free = f }

// ConfigFrom is FromEnvironment with these variables and this home folder.
func ConfigFrom(variables map[string]string, home string) (Config, error) {
	return fromEnvironment(environment{func(name string) string { return variables[name] }, func() (string, error) { return home, nil }})
}

// Reveal is the token itself.
func (t Token) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// The parsers, for fuzzing.
var (
	ParseListing = func(b []byte) (commit string, files int, err error) {
		l, err := parseListing(b)
		return l.commit, len(l.files), err
	}
	ParseMeta  = parseMeta
	Expression = expression
	RetryAfter = retryAfter
)

// Choose is the choice among files.
func (w Want) Choose(names ...string) (wanted, others []string, err error) {
	var files []listed
	for _, name := range names {
		files = append(files, listed{name, 1 << 20})
	}
	return w.choose(files)
}

// Match reports whether a pattern matches a name.
func Match(pattern, name string) bool {
	g, err := globs("", []string{pattern})
	return err == nil && g.match(name)
}
