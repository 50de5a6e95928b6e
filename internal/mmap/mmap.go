// Package mmap maps files into memory where the system can, and says so where it cannot.
package mmap
