//! Network tests in namespaces of their own.
