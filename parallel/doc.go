// Package parallel computes over several ranks: processes of one machine or many, or goroutines of one process.
//
// An [Engine] moves bytes. [Local] connects goroutines, package parallel/mpi connects processes by the MPI of a cluster, and [Dry] moves
// nothing and counts. [Split] puts several shards on each rank: a computation is cut into a fixed number of shards, and its bits do not
// depend on how many ranks hold them.
package parallel
