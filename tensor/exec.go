package tensor

// Exec holds the threads and the pool of an operation. The zero value is usable.
type Exec struct {
	Threads int   // goroutines that compute; 0 means GOMAXPROCS. Results do not depend on it, bit for bit
	Pool    *Pool // where scratch memory comes from and is counted; nil allocates and counts nothing
}
