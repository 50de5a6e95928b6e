//go:build !unix || solaris || aix

package mmap

import "os"

// Map returns nil: files are read here.
func Map(*os.File, int64) ([]byte, error) { return nil, nil }

// Unmap ends what Map began.
func Unmap([]byte) error { return nil }
