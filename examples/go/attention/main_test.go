package main

func Example() {
	main()
	// Output:
	// 3.1% of the pairs of full attention
	// token 5000 sees tokens around 5000; token 5128 has 1/257 of its gradient
}
