//! Logs to standard error, traces to an OpenTelemetry collector. Neither ever holds content.

use config::Telemetry;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use miette::IntoDiagnostic;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use std::io::IsTerminal;
use std::time::Duration;
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
    let Some(telemetry) = telemetry else {
        // Filters of the whole: what passes none of them is not even made, where filters of one layer only hide it from that.
        tracing_subscriber::registry().with(log).with(filter).with(lines).init();
        return Ok(Traces(None));
    };
    let provider = exporter(telemetry)?;
    let only = filter_fn(|metadata| metadata.is_span() && metadata.target() == gateway::TRACES);
    let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("penstock")).with_filter(only);
    tracing_subscriber::registry().with(log.with_filter(filter.and(lines))).with(traces).init();
    Ok(Traces(Some(provider)))
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
    let connector = gateway::connector(telemetry.authorities.as_deref()).into_diagnostic()?;
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", telemetry.otlp.trim_end_matches('/')))
        .with_http_client(OnRuntime(client, tokio::runtime::Handle::current()))
        .build()
        .into_diagnostic()?;
    let resource = Resource::builder().with_service_name(telemetry.service.clone()).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(Named(exporter)).with_resource(resource).build())
}

/// Names spans as the GenAI conventions want them, by operation and model: the model is only known when the span has
/// begun, and a span that has begun keeps its name.
#[derive(Debug)]
struct Named(opentelemetry_otlp::SpanExporter);

impl SpanExporter for Named {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &mut batch {
            let text =
                |key: &str| span.attributes.iter().find(|one| one.key.as_str() == key).map(|one| one.value.as_str());
            let name = match (text("gen_ai.operation.name"), text("gen_ai.request.model")) {
                (Some(operation), Some(model)) if !model.is_empty() => format!("{operation} {model}"),
                (Some(operation), _) => operation.into_owned(),
                (None, _) => continue,
            };
            span.name = name.into();
        }
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// An HTTP client for the exporter's thread, which has no runtime of its own.
#[derive(Clone, Debug)]
struct OnRuntime(Client<gateway::Connector, Full<Bytes>>, tokio::runtime::Handle);

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
