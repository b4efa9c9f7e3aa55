//! Logs to standard error, traces to an OpenTelemetry collector. Neither ever holds content.

use config::Telemetry;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use miette::IntoDiagnostic;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io::IsTerminal;
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Largest answer of a collector that is read.
const LARGEST: usize = 64 << 10;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// A line for people.
    Human,
    /// A JSON object a line, for collectors.
    Json,
}

/// Begins to log. Hold on to what is given: dropped after [`Traces::flush`], the last traces are sent.
pub(crate) fn begin(form: Form, level: &str, telemetry: Option<&Telemetry>) -> miette::Result<Traces> {
    let filter = EnvFilter::try_new(level).into_diagnostic()?;
    // Spans of exchanges are for traces; in the log one line an exchange is enough.
    let lines = filter_fn(|metadata| !(metadata.is_span() && metadata.target() == gateway::TRACES));
    let stderr = std::io::stderr;
    let log = match form {
        Form::Human => {
            fmt::layer().with_writer(stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false).boxed()
        }
        Form::Json => fmt::layer().with_writer(stderr).json().flatten_event(true).with_target(false).boxed(),
    };
    let provider = telemetry.map(exporter).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        let only = filter_fn(|metadata| metadata.is_span() && metadata.target() == gateway::TRACES);
        tracing_opentelemetry::layer().with_tracer(provider.tracer("penstock")).with_filter(only)
    });
    tracing_subscriber::registry().with(log.with_filter(filter.and(lines))).with(traces).init();
    Ok(Traces(provider))
}

/// The way of traces to a collector, if there is one.
pub(crate) struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends what has not been sent. Blocks; call it off the runtime's threads.
    pub(crate) fn flush(self) {
        if let Some(Err(problem)) = self.0.map(|provider| provider.shutdown()) {
            tracing::warn!(%problem, "the last traces were not sent");
        }
    }
}

fn exporter(telemetry: &Telemetry) -> miette::Result<SdkTracerProvider> {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", telemetry.otlp.trim_end_matches('/')))
        .with_http_client(OnRuntime(client, tokio::runtime::Handle::current()))
        .build()
        .into_diagnostic()?;
    let resource = Resource::builder().with_service_name(telemetry.service.clone()).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// An HTTP client for the exporter's thread, which has no runtime of its own.
#[derive(Clone, Debug)]
struct OnRuntime(Client<HttpConnector, Full<Bytes>>, tokio::runtime::Handle);

impl HttpClient for OnRuntime {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let client = self.0.clone();
        let sent = self.1.spawn(async move {
            let (head, body) = client.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        });
        Box::pin(async move { sent.await? })
    }
}
