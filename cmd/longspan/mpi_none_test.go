//go:build !mpi || !linux || (!amd64 && !arm64)

package main

// withMPI is whether the tool can reach MPI.
const withMPI = false
