package parallel

// Team are the engines of a shard that computes a part of a batch. Shards of one Sequence engine have different rows of the batch. Shards
// of one Tensor engine have the same rows, and different features of each layer.
type Team struct {
	All      Engine // every shard of the batch
	Sequence Engine
	Tensor   Engine
}

// Whole is the team of one shard that computes a whole batch.
func Whole() Team {
	e := Local(1)[0]
	return Team{e, e, e}
}

// NewTeam lays out the shards of e: shard s·tensor + t has part s of the rows and part t of the features.
func NewTeam(e Engine, tensor int) (Team, error) {
	first := e.Rank() / tensor * tensor
	var features, rows []int
	for t := range tensor {
		features = append(features, first+t)
	}
	for r := e.Rank() % tensor; r < e.Size(); r += tensor {
		rows = append(rows, r)
	}
	t := Team{All: e}
	var err error
	if t.Tensor, err = Sub(e, features); err != nil {
		return t, err
	}
	t.Sequence, err = Sub(e, rows)
	return t, err
}
