// HttpBackend over TLS: a certificate made here is trusted through SSL_CERT_FILE, or not.
#include <catch2/catch.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "tests/http/raw_server.hpp"
#include "tests/http/upstream_recorder.hpp"

namespace signalbox::http::test {

namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;

Certificate make_certificate(EVP_PKEY* key, const char* names) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_EXTENSION* alternatives = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
  X509_add_ext(certificate.get(), alternatives, -1);
  X509_EXTENSION_free(alternatives);
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

/// A raw server behind which each connection speaks TLS; answers every request with {}.
class TlsServer {
 public:
  explicit TlsServer(const char* names)
      : x_key(EVP_EC_gen("P-256")), x_certificate(make_certificate(x_key.get(), names)) {
    std::signal(SIGPIPE, SIG_IGN);
    x_context.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(x_context.get(), x_certificate.get());
    SSL_CTX_use_PrivateKey(x_context.get(), x_key.get());
    x_file = "/tmp/signalbox-tls-test-" + std::to_string(::getpid()) + ".pem";
    FILE* file = std::fopen(x_file.c_str(), "w");
    PEM_write_X509(file, x_certificate.get());
    std::fclose(file);
    x_server = std::make_unique<RawServer>([this](Peer& peer) { serve(peer); });
  }
  ~TlsServer() { std::remove(x_file.c_str()); }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] const std::string& file() const { return x_file; }
  [[nodiscard]] std::string url() const { return "https" + x_server->url().substr(4); }
  [[nodiscard]] int accepted() const { return x_server->accepted(); }

 private:
  void serve(Peer& peer) {
    SSL* ssl = SSL_new(x_context.get());
    SSL_set_fd(ssl, peer.fd());
    if (SSL_accept(ssl) == 1) {
      std::string text;
      char piece[4096];
      for (int got = 0; (got = SSL_read(ssl, piece, sizeof piece)) > 0;) {
        text.append(piece, static_cast<std::size_t>(got));
        // Bodies of these tests end in a brace; a hanging call's body ends in a bracket.
        if (text.back() != '}') continue;
        text.clear();
        constexpr std::string_view reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        SSL_write(ssl, reply.data(), static_cast<int>(reply.size()));
      }
    }
    SSL_free(ssl);
  }

  Key x_key;
  Certificate x_certificate;
  Context x_context;
  std::string x_file;
  std::unique_ptr<RawServer> x_server;
};

}  // namespace

TEST_CASE("upstream_client: TLS with a trusted certificate", "[http][upstream_client]") {
  TlsServer server("IP:127.0.0.1,DNS:localhost");
  ::setenv("SSL_CERT_FILE", server.file().c_str(), 1);
  auto options = options_for(server.url());
  SECTION("by address") {}
  SECTION("by name") {
    options.base.host = "localhost";
  }
  HttpBackend backend(options);
  for (int i = 0; i < 3; ++i) CHECK(*perform(backend, make_call(false))->finished().body == "{}");
  const auto large = make_call(false, "{\"x\":\"" + std::string(3 << 20, 'x') + "\"}");
  CHECK(*perform(backend, large)->finished().body == "{}");
  auto call = make_call(false, "[]");
  call.model.clear();
  const auto recorder = Recorder::make();
  const auto number = backend.start(call, Recorder::listener(recorder));
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  backend.cancel(number);
  REQUIRE(recorder->wait());
  CHECK(recorder->failed().error.code == ErrorCode::backend_stream_failed);
  ::unsetenv("SSL_CERT_FILE");
}

TEST_CASE("upstream_client: TLS without trust is unreachable", "[http][upstream_client]") {
  const bool known = GENERATE(true, false);
  // Known, but for another host; or unknown.
  TlsServer server(known ? "IP:127.0.0.2,DNS:example.com" : "IP:127.0.0.1");
  if (known) ::setenv("SSL_CERT_FILE", server.file().c_str(), 1);
  HttpBackend backend(options_for(server.url()));
  const auto failure = perform(backend, make_call(false))->failed();
  CHECK(failure.error.code == ErrorCode::backend_unreachable);
  CHECK(failure.error.message.find("certificate verify failed") != std::string::npos);
  CHECK(failure.retryable);
  ::unsetenv("SSL_CERT_FILE");
}

TEST_CASE("upstream_client: TLS towards a server without it is unreachable",
          "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    peer.send("HTTP/1.1 400 Bad\r\n\r\n");
    static_cast<void>(peer.wait_for_close());
  });
  HttpBackend backend(options_for("https" + server.url().substr(4)));
  CHECK(perform(backend, make_call(false))->failed().error.code == ErrorCode::backend_unreachable);
}

}  // namespace signalbox::http::test
