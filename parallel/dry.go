package parallel

import "sync"

// Counter is an engine that moves nothing and counts: what a plan is made with. Goroutines may begin exchanges side by side.
type Counter struct {
	rank, size int
	mu         sync.Mutex
	Counts     Counts
	ByName     map[string]Counts // by the name of the exchange
}

// Counts is what an engine has moved.
type Counts struct {
	Sent      int64 `json:"sent_bytes"`
	Received  int64 `json:"received_bytes"`
	Messages  int64 `json:"messages"`  // sent
	Exchanges int64 `json:"exchanges"` // calls of Begin with a part
}

// Add adds the counts of another engine or exchange.
func (c *Counts) Add(more Counts) {
	c.Sent, c.Received = c.Sent+more.Sent, c.Received+more.Received
	c.Messages, c.Exchanges = c.Messages+more.Messages, c.Exchanges+more.Exchanges
}

// Times is c, n times.
func (c Counts) Times(n int64) Counts {
	return Counts{n * c.Sent, n * c.Received, n * c.Messages, n * c.Exchanges}
}

// Dry returns the engine of one rank of size that moves nothing. What it receives is left as it is.
func Dry(rank, size int) *Counter {
	return &Counter{rank: rank, size: size, ByName: map[string]Counts{}}
}

// Rank is the number of the rank.
func (c *Counter) Rank() int { return c.rank }

// Size is the number of ranks.
func (c *Counter) Size() int { return c.size }

// Begin counts an exchange.
func (c *Counter) Begin(name string, send, recv []Part) Pending {
	if err := CheckParts(c, name, send, recv); err != nil {
		return &done{err}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := CountParts(send, recv)
	c.Counts.Add(n)
	all := c.ByName[name]
	all.Add(n)
	c.ByName[name] = all
	return &done{}
}

// Abort does nothing.
func (c *Counter) Abort(int, string) {}

// Close does nothing.
func (c *Counter) Close() error { return nil }

// CountParts counts one exchange.
func CountParts(send, recv []Part) (n Counts) {
	if len(send)+len(recv) > 0 {
		n.Exchanges = 1
	}
	for _, p := range send {
		n.Sent += p.size()
		n.Messages++
	}
	for _, p := range recv {
		n.Received += p.size()
	}
	return n
}
