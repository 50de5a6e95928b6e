//go:build unix

package main

import "syscall"

// Slurm's --signal=USR1@120 warns a job before its time is over.
func init() { stops = append(stops, syscall.SIGUSR1) }
