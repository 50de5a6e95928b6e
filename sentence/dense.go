package sentence

import "fmt"

// activations are the functions by the names of their classes in PyTorch. "torch.nn.X" is another name of the same class.
var activations = map[string]Activation{
	"torch.nn.modules.linear.Identity": Identity, "torch.nn.Identity": Identity,
	"torch.nn.modules.activation.Tanh": Tanh, "torch.nn.Tanh": Tanh,
	"torch.nn.modules.activation.ReLU": ReLU, "torch.nn.ReLU": ReLU,
	"torch.nn.modules.activation.GELU": GELU, "torch.nn.GELU": GELU,
}

// vector is the name that the vector of a text has between modules.
const vector = "sentence_embedding"

// parseDense reads the config of a Dense.
func parseDense(text []byte) (Dense, error) {
	d := Dense{Bias: true}
	class, names, residual := "torch.nn.modules.activation.Tanh", vectorNames(), false // the defaults of sentence-transformers
	err := object(text, map[string]any{"in_features": &d.In, "out_features": &d.Out, "bias": &d.Bias, "activation_function": &class,
		"module_input_name": &names.in, "module_output_name": &names.out, "use_residual": &residual})
	if err != nil {
		return d, err
	}
	if d.In <= 0 || d.Out <= 0 || d.In > maxDimension || d.Out > maxDimension {
		return d, fmt.Errorf("found in_features %d and out_features %d, expected 1 to %d", d.In, d.Out, maxDimension)
	}
	known := false
	if d.Activation, known = activations[class]; !known {
		return d, fmt.Errorf("found the activation_function %q, expected one of %s", class, list(activations))
	}
	if residual {
		return d, fmt.Errorf("found use_residual true, which is not known here; expected false")
	}
	return d, names.check()
}

// parseNormalize reads the config of a Normalize, which 6.0 and later write.
func parseNormalize(text []byte) (Normalize, error) {
	names := vectorNames()
	if err := object(text, map[string]any{"module_input_name": &names.in, "module_output_name": &names.out}); err != nil {
		return Normalize{}, err
	}
	return Normalize{}, names.check()
}

// ends are the names of what a module takes and gives.
type ends struct{ in, out string }

func vectorNames() ends { return ends{vector, vector} }

func (e ends) check() error {
	if e.in != vector || e.out != vector {
		return fmt.Errorf("found module_input_name %q and module_output_name %q, expected %s for both", e.in, e.out, vector)
	}
	return nil
}
