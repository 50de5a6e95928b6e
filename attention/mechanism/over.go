package mechanism

import "github.com/longspan/longspan/parallel"

// Over prepares l for the rows of a batch that this rank has. The rows of the core are s.Own(). Its passes exchange rows with the other
// ranks, which all call them in the same order, and give the bits of one rank. The gradients of learned matrices are this rank's share: they
// add up to those of one rank.
func Over(l Layer, s *parallel.Share) (Core, error) { return overAll(l, s) }
