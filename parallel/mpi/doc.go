// Package mpi is the engine of package parallel over the MPI library of a cluster: Open MPI 4 and 5, MPICH 4 and 5 with its family (Intel
// MPI, Cray MPICH, MVAPICH), and any library with the ABI of the MPI-5 standard. One binary serves all of them.
//
// The engine needs the build tag mpi, on Linux for amd64 or arm64. It finds the library when it starts and calls it through
// github.com/ebitengine/purego, without cgo. Such a binary is linked dynamically; without the tag it stays static, and [Launched] is all
// that the package has.
//
// MPI moves bytes and nothing else: sums are made in Go, so that they have the same bits over every library. One goroutine on one thread
// calls MPI. It never blocks there: it polls, and sleeps while nothing moves, so that a rank that waits leaves its cores to the others.
//
// A transport with remote memory access (InfiniBand, RoCE) may keep the pages of large parts registered. Parts of 4 KiB and more should
// therefore be memory that lives as long as the engine, such as that of a tensor.Pool, and the pool must not be trimmed meanwhile.
package mpi
