#include "http/upstream/echo_script.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "http/text/json_members.hpp"
#include "http/text/json_writer.hpp"
#include "http/upstream/completion_writer.hpp"

namespace signalbox::http {
namespace {

using actors::Playback;

constexpr std::int64_t tokens_max = 100'000;
constexpr std::int64_t delay_ms_max = 60'000;
constexpr std::size_t embedding_size = 16;

struct Wish {
  std::int64_t tokens = 0;
  std::int64_t delay_ms = 0;
  std::vector<std::string> words;
  std::size_t prompt_words = 0;
  bool wants_usage = false;
};

std::int64_t read_integer(std::string_view raw, std::int64_t fallback, std::int64_t most) {
  std::int64_t value = 0;
  const auto read = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (read.ec != std::errc{} || read.ptr != raw.data() + raw.size() || value < 0) return fallback;
  return std::min(value, most);
}

// The text of a message's content: a string, or the text parts of an array.
std::string text_of(std::string_view content) {
  if (auto text = unquote(content)) return *text;
  std::string all;
  for (const std::string_view part : elements_of(content)) {
    if (auto text = unquote(part))
      all += *text + " ";
    else if (auto inner = unquote(value_of(part, "text")))
      all += *inner + " ";
  }
  return all;
}

std::string subject_of(const BackendCall& call) {
  const std::string_view body = *call.request;
  if (call.kind == TaskKind::completion) return text_of(value_of(body, "prompt"));
  const auto messages = elements_of(value_of(body, "messages"));
  return messages.empty() ? std::string{} : text_of(value_of(messages.back(), "content"));
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::size_t start = 0;
  while (start < text.size() && words.size() < 10'000) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", start), text.size());
    if (end > start) words.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  if (words.empty()) words.emplace_back("echo");
  return words;
}

Wish read_wish(const BackendCall& call, const config::EchoSettings& settings) {
  const std::string_view body = *call.request;
  Wish wish;
  wish.tokens = read_integer(
      value_of(body, "max_tokens"),
      read_integer(value_of(body, "max_completion_tokens"), settings.tokens, tokens_max),
      tokens_max);
  wish.tokens = std::max<std::int64_t>(wish.tokens, 1);
  wish.delay_ms =
      read_integer(value_of(body, "echo_delay_ms"), settings.token_delay_ms, delay_ms_max);
  wish.words = split_words(subject_of(call));
  wish.prompt_words = wish.words.size();
  wish.wants_usage = value_of(value_of(body, "stream_options"), "include_usage") == "true";
  return wish;
}

std::string word_at(const Wish& wish, std::int64_t index) {
  const std::string& word = wish.words[static_cast<std::size_t>(index) % wish.words.size()];
  return index == 0 ? word : " " + word;
}

CompletionWriter writer_for(const BackendCall& call) {
  return CompletionWriter(call.kind, call.task, call.model);
}

CompletionUsage usage_of(const Wish& wish) {
  return {static_cast<std::int64_t>(wish.prompt_words), wish.tokens};
}

std::string answer_body(const BackendCall& call, const Wish& wish) {
  std::string text;
  for (std::int64_t index = 0; index < wish.tokens; ++index) text += word_at(wish, index);
  return writer_for(call).body(text, "length", usage_of(wish));
}

Playback play_stream(const BackendCall& call, const Wish& wish) {
  const std::string type = "text/event-stream";
  const Duration delay = std::chrono::milliseconds{wish.delay_ms};
  const CompletionWriter writer = writer_for(call);
  Playback playback;
  playback.steps.push_back({delay, BackendBegan{200, type}});
  for (std::int64_t index = 0; index < wish.tokens; ++index) {
    playback.steps.push_back(
        {index == 0 ? Duration::zero() : delay,
         BackendEvents{make_bytes(writer.text_event(word_at(wish, index), index == 0))}});
  }
  std::string last = writer.finish_event("length", false);
  if (wish.wants_usage) last += writer.usage_event(usage_of(wish));
  const std::uint32_t last_count = wish.wants_usage ? 2 : 1;
  playback.steps.push_back(
      {Duration::zero(), BackendEvents{make_bytes(std::move(last)), last_count}});
  playback.steps.push_back(
      {Duration::zero(), BackendFinished{200, type, make_bytes(answer_body(call, wish)),
                                         make_bytes(std::string{done_event})}});
  return playback;
}

Playback play_whole(Duration delay, std::string body) {
  Playback playback;
  playback.steps.push_back(
      {delay, BackendFinished{200, "application/json", make_bytes(std::move(body)), nullptr}});
  return playback;
}

// Not a meaning, but the same text has the same vector: each number is a hash of the text (FNV-1a).
void write_vector(JsonWriter& json, std::string_view text) {
  json.begin_array();
  for (std::size_t index = 0; index < embedding_size; ++index) {
    std::uint64_t hash = 0xCBF29CE484222325ULL + index;
    for (const char letter : text) {
      hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3ULL;
    }
    json.number(static_cast<double>(hash % 2001) / 1000.0 - 1.0);
  }
  json.end_array();
}

std::string embedding_body(const BackendCall& call) {
  const std::string_view input = value_of(*call.request, "input");
  std::vector<std::string_view> inputs = elements_of(input);
  const bool is_token_list = !inputs.empty() && inputs[0].find_first_of("\"[") != 0;
  if (inputs.empty() || is_token_list) inputs = {input};
  JsonWriter json;
  json.begin_object().key("object").string("list").key("data").begin_array();
  std::int64_t words = 0;
  for (std::size_t index = 0; index < inputs.size(); ++index) {
    words += static_cast<std::int64_t>(split_words(inputs[index]).size());
    json.begin_object().key("object").string("embedding");
    json.key("index").number(static_cast<std::int64_t>(index)).key("embedding");
    write_vector(json, inputs[index]);
    json.end_object();
  }
  json.end_array().key("model").string(call.model).key("usage").begin_object();
  json.key("prompt_tokens").number(words).key("total_tokens").number(words);
  json.end_object().end_object();
  return json.take();
}

}  // namespace

actors::PlaybackScript make_echo_script(config::EchoSettings settings) {
  return [settings](const BackendCall& call) {
    const Wish wish = read_wish(call, settings);
    const Duration delay = std::chrono::milliseconds{wish.delay_ms};
    if (call.kind == TaskKind::embedding) return play_whole(delay, embedding_body(call));
    if (call.streaming) return play_stream(call, wish);
    return play_whole(delay * wish.tokens, answer_body(call, wish));
  };
}

Llm make_echo_llm(const config::EchoSettings& settings) {
  Llm llm;
  llm.name = "echo";
  llm.kind = LlmKind::plugin;
  llm.type = "echo";
  llm.model = "echo";
  llm.status = LlmStatus::active;
  llm.capacity = settings.capacity;
  llm.group = "echo";
  return llm;
}

}  // namespace signalbox::http
