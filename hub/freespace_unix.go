//go:build linux || darwin

package hub

import (
	"math"
	"math/bits"

	"golang.org/x/sys/unix"
)

// freeSpace is the number of bytes that a user may still write to the disk of dir.
func freeSpace(dir string) (free int64, known bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, false
	}
	high, low := bits.Mul64(s.Bavail, uint64(s.Bsize))
	if high != 0 || low > math.MaxInt64 {
		return math.MaxInt64, true
	}
	return int64(low), true
}
