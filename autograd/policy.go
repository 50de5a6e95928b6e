package autograd

import (
	"fmt"

	"github.com/longspan/longspan/tensor"
)

// Policy sets the types in which numbers are stored and multiplied. Sums, softmax, norms, losses and master weights are float32
// whatever the policy. The zero value is float32 throughout.
type Policy struct {
	Activations tensor.Type // storage of values and of their gradients
	Products    tensor.Type // what linear layers multiply: BF16 rounds the weights; F32 takes them as they are
}

// The policies that have a name. In FP16 the storage is half and the products are of float32: no processor here
// multiplies fp16 faster, and widened it loses nothing. Its gradients need a loss scale ([Graph.Backward]).
func F32() Policy  { return Policy{tensor.F32, tensor.F32} }
func BF16() Policy { return Policy{tensor.BF16, tensor.BF16} }
func FP16() Policy { return Policy{tensor.F16, tensor.F32} }

// ParsePolicy reads a policy's name: f32, bf16 or fp16.
func ParsePolicy(name string) (Policy, error) {
	switch name {
	case "f32":
		return F32(), nil
	case "bf16":
		return BF16(), nil
	case "fp16":
		return FP16(), nil
	}
	return Policy{}, fmt.Errorf("autograd: precision %q is not known; use f32, bf16 or fp16", name)
}

// String is the name that ParsePolicy reads; a policy without a name says its two types.
func (p Policy) String() string {
	switch p {
	case F32():
		return "f32"
	case BF16():
		return "bf16"
	case FP16():
		return "fp16"
	}
	return fmt.Sprintf("%s activations, %s products", p.Activations, p.Products)
}
