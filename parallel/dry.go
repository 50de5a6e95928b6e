package parallel

// Counter is an engine that moves nothing and counts: what a plan is made with.
type Counter struct {
	rank, size int
	Counts     Counts
	ByName     map[string]Counts // by the name of the exchange
}

// Counts is what an engine has moved.
type Counts struct {
	Sent, Received int64 // bytes
	Messages       int64 // sent
}

// Add adds the counts of another engine or exchange.
func (c *Counts) Add(more Counts) {
	c.Sent, c.Received, c.Messages = c.Sent+more.Sent, c.Received+more.Received, c.Messages+more.Messages
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
	n := countParts(send, recv)
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

func countParts(send, recv []Part) (n Counts) {
	for _, p := range send {
		n.Sent += p.size()
		n.Messages++
	}
	for _, p := range recv {
		n.Received += p.size()
	}
	return n
}
