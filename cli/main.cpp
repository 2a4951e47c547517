#include "cli/serve.hpp"
#include <string>
int main(int argc, char** argv) {
  signalbox::cli::ServeOptions o;
  for (int i = 1; i + 1 < argc; ++i) { std::string a = argv[i]; if (a == "--config") o.config = argv[i+1]; if (a == "--port") o.flags.port = argv[i+1]; if (a == "--store") o.flags.store = argv[i+1]; if (a=="--commit") o.flags.commit=argv[i+1]; }
  return signalbox::cli::run_serve(o);
}
