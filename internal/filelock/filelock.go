// Package filelock locks open files against other processes. The system unlocks a file when it is closed, and when the process ends,
// however it ends.
package filelock

import "os"

// Try locks a file. It is false where another open file has the lock, of another process or of this one. Systems that have no such locks
// say true: Windows, Solaris, AIX and Plan 9.
func Try(f *os.File) (bool, error) { return try(f) }
