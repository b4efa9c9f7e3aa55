// Java's own HttpClient behind the proxy: which it shows its token to once it is asked.
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

class Intercepted {
    public static void main(String[] arguments) throws Exception {
        var token = arguments[2];
        var client = HttpClient.newBuilder()
            .proxy(ProxySelector.of(new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1]))))
            .authenticator(new Authenticator() {
                @Override
                protected PasswordAuthentication getPasswordAuthentication() {
                    return getRequestorType() == RequestorType.PROXY ? new PasswordAuthentication("copilot", token.toCharArray()) : null;
                }
            })
            .build();
        var body = "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"TIC-101 drifts\"}]}";
        var request = HttpRequest.newBuilder(URI.create("https://api.openai.com/v1/chat/completions"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.version());
        System.out.println(answer.body().contains("TIC-101 drifts") ? "TIC-101 drifts" : answer.body());
    }
}
