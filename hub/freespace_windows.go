package hub

import (
	"math"

	"golang.org/x/sys/windows"
)

// freeSpace is the number of bytes that a user may still write to the disk of dir.
func freeSpace(dir string) (free int64, known bool) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	var mine uint64
	if windows.GetDiskFreeSpaceEx(name, &mine, nil, nil) != nil {
		return 0, false
	}
	return int64(min(mine, math.MaxInt64)), true
}
