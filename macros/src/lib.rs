//! The macros of netns-test.

mod error;
mod function;
mod main_function;
mod options;
mod test_function;
mod topology;

use proc_macro::TokenStream;

/// Runs a test in a network of its own.
///
/// The function runs in a process tree with new user, network, mount, PID, IPC and UTS namespaces; it needs no
/// privilege. It may be `async`, return whatever a test may return, and take topologies as arguments, by value or by
/// reference. `#[ignore]` and `#[should_panic]` keep their meaning.
///
/// | option | meaning |
/// |---|---|
/// | `timeout = "10s"` | how long the test may take once its sandbox stands, 60 s by default; also `ms`, `m` |
/// | `on = client` | runs the body, its runtime and its children on that node of the only argument (`net.client` names one of several) |
/// | `flavor = "current_thread"` | an `async` test's runtime; `"multi_thread"` by default |
/// | `worker_threads = 2` | how many threads a multi-threaded runtime has |
/// | `user_namespace = false` | makes no user namespace: for real root alone, who can attach namespaces of the host and its containers, which are below `/run/host/proc` and `/run/host/run` |
/// | `ids = "subordinate"` | gives an ordinary user's test the users and groups of /etc/subuid and /etc/subgid beside root, for programs that drop their privileges; needs `newuidmap` |
/// | `crate = "path"` | the path by which this crate is known |
#[proc_macro_attribute]
pub fn netns_test(options: TokenStream, item: TokenStream) -> TokenStream {
    test_function::expand(options.into(), item.into()).into()
}

/// Runs a program's `main` in a network of its own.
///
/// The program starts itself again, with the same arguments, in a process tree with namespaces of its own, and ends as
/// that ends. The function may be `async`; `flavor`, `worker_threads` and `crate` are as for `netns_test`.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    main_function::expand(options.into(), item.into()).into()
}

/// Declares a network: a type whose fields are its nodes, checked while the code is compiled.
///
/// Its documentation is that of `netns_test::topology!`.
#[proc_macro]
pub fn topology(tokens: TokenStream) -> TokenStream {
    topology::expand(tokens.into()).into()
}

/// Goes on with a topology that uses another, when that has given its declaration.
#[doc(hidden)]
#[proc_macro]
pub fn topology_with(tokens: TokenStream) -> TokenStream {
    topology::expand_with(tokens.into()).into()
}
