package launch

import "github.com/longspan/longspan/parallel"

// Local returns the worlds of n ranks that are goroutines of this process.
func Local(n int) ([]*World, error) {
	self, err := introduce(nil)
	if err != nil {
		return nil, err
	}
	ranks := make([]Rank, n)
	for i := range ranks {
		ranks[i] = self
	}
	var worlds []*World
	for _, e := range parallel.Local(n) {
		worlds = append(worlds, &World{Engine: e, Ranks: ranks})
	}
	return worlds, nil
}
