//! Values that are near enough: a vendor's name, a word for a key, and soon behind it what can only be drawn at random.
//!
//! `mailjet client key is 3f9c...`, `<id>datadog</id> <secret>{3f9c...}</secret>`. No operator ties them, so all three are needed.

use super::value::{Shape, placeholder};
use super::vendor::marked;
use crate::bytes::Bytes;
use crate::rule::BuiltIn;
use aho_corasick::AhoCorasick;
use std::ops::Range;
use std::sync::LazyLock;

/// How far a value may be from the word that names it, and the vendor from that word, in bytes.
const REACH: usize = 40;
const BACK: usize = 64;

/// Shortest value: 20 letters and digits hold some 100 bits; and the longest that is read.
const LEAST: usize = 20;
const MOST: usize = 200;

/// The value soon behind the keyword, if a vendor is named before it.
pub(crate) fn near(text: Bytes<'_>, keyword: &Range<usize>) -> Option<(BuiltIn, Range<usize>)> {
    if text.at(keyword.end).is_ascii_lowercase() && text.at(keyword.end) != b's' {
        return None;
    }
    let span = value(text, keyword.end)?;
    let found = text.slice(span.clone());
    let shape = Shape::of(found);
    let fits = shape.random() && shape.digits >= 3 && !placeholder(found) && !numbers(text, &span) && !marked(found);
    (fits && is_named(text, keyword.start.saturating_sub(BACK)..span.start)).then_some((BuiltIn::NearKey, span))
}

/// The first long word behind, as letters, digits, `-` and `_` make it. Addresses, paths and digests are none.
fn value(text: Bytes<'_>, from: usize) -> Option<Range<usize>> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let mut at = text.run(from, REACH, |b| !b.is_ascii_alphanumeric());
    while at < from + REACH {
        let end = text.run(at, MOST + 1, inside);
        let fits = (LEAST..=MOST).contains(&(end - at));
        if fits {
            let alone = !matches!(text.before(at), b'-' | b'_' | b'/' | b'@' | b'#' | b'+' | b'.' | b'%' | b'$')
                && !matches!(text.at(end), b'/' | b'@' | b'+' | b'.' | b'(' | b'%');
            return alone.then_some(at..end);
        }
        if end - at > MOST || text.at(end) == 0 {
            return None;
        }
        at = end + 1;
    }
    None
}

/// Whether it is the number of something: of a file, a user, or a digest, as the word before says.
fn numbers(text: Bytes<'_>, span: &Range<usize>) -> bool {
    const THINGS: [&str; 28] = [
        "id",
        "uuid",
        "guid",
        "commit",
        "sha",
        "sha1",
        "sha256",
        "md5",
        "hash",
        "digest",
        "checksum",
        "rev",
        "revision",
        "etag",
        "fingerprint",
        "file",
        "model",
        "object",
        "user",
        "org",
        "project",
        "thread",
        "assistant",
        "message",
        "request",
        "response",
        "image",
        "version",
    ];
    text.words_before(span.start).take(1).any(|word| word.is_one_of(&THINGS))
}

/// Whether a vendor is named in the stretch, at the beginning of a word.
fn is_named(text: Bytes<'_>, stretch: Range<usize>) -> bool {
    let bytes = Bytes(text.slice(stretch));
    VENDORS.as_ref().is_some_and(|vendors| {
        vendors.find_overlapping_iter(bytes.0).any(|hit| {
            let (first, before) = (bytes.at(hit.start()), bytes.before(hit.start()));
            !before.is_ascii_alphabetic() || before.is_ascii_lowercase() && first.is_ascii_uppercase()
        })
    })
}

static VENDORS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    // The list's fixed size rules out that it cannot be built.
    AhoCorasick::builder().ascii_case_insensitive(true).build(NAMES.split_ascii_whitespace()).ok()
});

/// Services that issue keys. Names that are ordinary words are left out: `segment`, `square`, `front`.
const NAMES: &str = "
abyssale accuweather active-campaign activecampaign adafruit adobe adzuna aeroworkflow agora airbrake airbyte airship airtable airvisual
aiven alchemy algolia alibaba aliyun alphavantage amadeus amazon ambee amplitude anthropic anypoint apacta api2cart apify apilayer apollo
appcenter appcues appfollow appnexus appoptics appsflyer appsynergy artifactory asana assemblyai atera atlassian audd auth0 autodesk
autoklose autopilot avazaapi avaza aviationstack aws axonaut aylien ayrshare azure bamboohr bannerbear baremetrics baseapi beamer beebole
besttime betterstack bigcommerce billomat bingmaps bitbar bitbucket bitcoinaverage bitfinex bitly bitmex blazemeter blitapp blockchain
blockcypher blockfrost blogger bombbomb borgbase boxoauth braintree brandfetch brevo browserless browserstack bscscan btcpay bugherd bugsnag buildkite
bunnycdn buttercms caflou calendarific calendly calorieninja campaignmonitor campayn cannyio capsulecrm captaindata carboninterface caspio
cdnjs centralstationcrm cerebras cexio chargebee chargify chatbot chatfuel checkio checklyhq checkmarket checkvist cicero circleci
clarifai clearbit clickhelp clicksend clickup clinchpad clockify clockworksms closecrm cloudconvert cloudelements cloudflare cloudimage
cloudinary cloudmersive cloudplan cloudsmith cloverly cloze clustdoc codacy codeclimate codecov codemagic codequiry cohere coinapi coinbase
coinlayer coinlib coinmarketcap collect2 column commercejs commodities companyhub confluent contentful contentstack convertkit convier
copper copyscape couchbase countrylayer courier coveralls coverity crowdin crowdstrike cryptocompare currencycloud currencyfreaks currencylayer
currencyscoop currentsapi customerguru customerio d7network dailyco dandelion databox databricks datadog datafire datagov datarobot debounce
deepai deepgram deepl deepseek deputy detectify detectlanguage deviantart dfuse diffbot diggernaut digitalocean discord discourse disqus ditto dnscheck
dockerhub documo docusign doppler dotdigital dotmailer dovico dreamhost drift dronahq droneci drone dropbox dwolla dyntrace dynalist dynatrace eagleeyenetworks
easyinsight easypost ecostruxure edamam edenai eightxeight elastic elasticemail elevenlabs enablex endorlabs enigma envoyapi equinix eraser
etherscan etsy eventbrite everhour exchangerate executemode exportsdk extractor facebook faceplusplus fastforex fastly fastspring feedier
fibery figma fileio finage financialmodelingprep findl finicity finnhub firebase fixer fixerio flatio fleetbase flexport flickr flightapi
flightlabs flightstats float flowflu flutterwave flyio fmfw foresight formbucket formcraft formio formsite foursquare frameio freshbooks
freshdesk freshservice friendli fullstory fusebill fxmarket gemini gengo geoapify geocode geocodify geocodio geoipifi getemail geteway getgeoapi
getgist getresponse getsandbox gitbook gitea github gitlab gitter glassnode glitterlyapi gocanvas gocardless godaddy goodday googlemaps
grafana graphcms graphhopper greenhouse greynoise groovehq groq gtmetrix guardian gumroad gyazo happi happyscribe harness harvest hasura helcim
helium hellosign helpcrunch helpscout hereapi heroku hiveage holidayapi holistic honeycomb hotjar host-unlimited html2pdf httpbin
hubspot huggingface humanity hunter hybiscus hypertrack iconfinder iexapis iexcloud imagekit imagga impala infura inkdrop insightly
instagram instantly integromat intercom interseller intra42 intrinio invoiceocean ip2location ipapi ipdata ipgeolocation ipify
ipinfo ipinfodb ipquality ipstack jdbc jenkins jfrog jina jiratoken jira jotform jsonbin jumpcloud juro kanban kanbantool karmacrm keenio keygen
kickbox klaviyo klipfolio knapsack kontent kraken kucoin kylas landbot langfuse languagelayer larksuite launchdarkly ldap leadfeeder
lemlist lemonsqueezy lendflow lessannoyingcrm lexigram linear linearapi line-notify linkedin linkpreview liveagent livestorm
loadmill localise locationiq loggly loginradius logzio lokalise loom looker loyverse luno madkudu mailboxlayer mailchimp mailerlite mailersend
mailgun mailjet mailmodo mailsac mandrill manifest mapbox mapquest marketstack mattermost mavenlink maxmind mediastack meaningcloud meistertask meraki
mesibo messagebird metaapi metabase metrilo microsoft midise mindmeister miro mite mixmax mixpanel mockaroo moderation
mojoauth monday monkeylearn moonclerk moosend moralis mparticle mrticktock mulesoft mux mydatabase myfreshworks myexperiment myintervals nasdaq
nasdaqdatalink neonone nethunt netlify networkforgood neutrinoapi newrelic newsapi newscatcher nexmo nftport ngrok nicereply nimble
nitro noticeable notion nozbeteams npmjs nuget numverify nutritionix nvidia nylas nytimes oanda okta omnisend onedesk onelogin onepagecrm
onesignal onwaterio oopspam openai opencagedata opencorporates opendatasoft openrouter openuv openvpn openweather opsgenie optidash
optimizely ortto outreach owlbot packagecloud pagarme pagerduty pandadoc pandascore paperform paralleldots parsehub parsers parseur particle
partnerstack passbase pastebin paydirt paymo paymongo paypal paystack pdflayer pdfshift peopledatalabs pepipost perplexity phraseaccess pinata pinecone
pipedream pipedrive pivotaltracker pixabay plaid planetscale planviewleankit planyo plivo podio pollsapi poloniex polygon portainer positionstack
postageapp posthog postman postmark powrbot prefect privacy prodpad prospectcrm protocolsio proxycrawl pubnub pulumi purestake
pushbullet pusher qase qualaroo qubole rabbitmq rapidapi raven ravenpack rawg razorpay reachmail readme rebrandly rechargepayments recaptcha reddit redis
refiner rentman repairshopr replicate replyio requestfinance restpack restpackhtml rev revampcrm ringcentral ritekit roaring rocketreach rollbar ronin
route4me rownd runpod runrunit salesblink salescookie salesflare salesforce salesmate sanity satismeter saucelabs sauce scalewayapi scaleway
scalr scrapeowl scraperapi scraperbox scraperstack scrapfly scrapingant scrapingbee scrapersite screenshotapi screenshotlayer scrutinizer
securitytrails segmentapi selectpdf semaphore sendbird sendgrid sendinblue sentiment sentry serphouse serpstack sheety shippo shipday shodan
shopify shortcut shotstack shutterstock sigopt simplesat simplynoted simvoly sinch sirv siteleaf skrappio skybiometry slack sleeknote
smartsheet smartystreets smooch snipcart snowflake snyk softr solarwinds sonarcloud sonarqube sonar sourcegraph sparkpost speechtextai splunk
spoonacular spotify sportradar sportsmonk squareup squarespace sslmate stability statuscake statuspage statuspal stitchdata stockdata storecove stormboard
stormglass storyblok storychief strava streak stripe stripo stytch sugester sumologic supabase supernotes surge surveyanyplace surveybot
surveysparrow survicate swell swiftype tableau tailscale talkdesk tallyfy tatum taxjar teamgate teamviewer teamwork technicalanalysis telegram
teletype telnyx tencent terraform testingbot textmagic thecatapi theoddsapi thingsboard thinkific threatconnect thousandeyes ticketmaster tickettailor tiingo timezoneapi tines tly tmetric
todoist together toggltrack toggl tokeet tomorrowio tomtom tradier transferwise travelpayouts travisci travis trello tru truecaller
truenas trustpilot twelvedata twilio twist twitch twitter tyntec typeform typetalk ubidots uclassify unbounce undisclosed unifyid unplugg
unsplash upcdatabase uplead uploadcare uptimerobot upwave urlscan userflow userstack vagrantcloud valtown vbout vercel verifalia verimail veriphone
versioneye viewneo virustotal visualcrossing vonage voicegain voiceflow vouchery vpnapi vultr vyte walkscore wandb weatherbit weatherstack
webex webflow webscraper webscraping weightsandbiases wepay whatcms whoxy wistia wiz wolfram wordnik worksnaps workstack world4dance worldcoinindex worldweather
wrike xero yandex yelp youneedabudget yousign youtube zapier zapierwebhook zendesk zenrows zenscrape zenserp zeplin zerobounce zerotier zhipu zilliz zipapi zipbooks
zipcodeapi zipcodebase zohocrm zoho zonka zoom zulip
opcua kepware ignition thingworx mindsphere losant balena influx hivemq emqx litmus cumulocity wonderware historian";
