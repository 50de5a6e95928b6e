package memory

import "os"

// Resident returns the bytes of this process that are in memory now, and the most that ever were.
func Resident() (now, most int64) {
	status := fields(os.DirFS("/"), "proc/self/status")
	return status["VmRSS"] * 1024, status["VmHWM"] * 1024
}
