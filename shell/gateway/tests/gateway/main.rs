//! The gateway over real sockets, with a ledger, callers and providers that do whatever a test wants of them.

extern crate penstock_gateway as gateway;

#[cfg(test)]
mod abuse;
#[cfg(test)]
mod caller;
#[cfg(test)]
mod departures;
#[cfg(test)]
mod encodings;
#[cfg(test)]
mod enforce;
#[cfg(test)]
mod fallback;
#[cfg(test)]
mod files;
#[cfg(test)]
mod goodbyes;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod grpc_streams;
#[cfg(test)]
mod guarding;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod keeping;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod oversight;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod records;
#[cfg(test)]
mod second;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod sinks;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod time;
#[cfg(test)]
mod works;
#[cfg(test)]
mod writing;
