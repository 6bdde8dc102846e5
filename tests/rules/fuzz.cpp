// libFuzzer: no bytes make the parser, the evaluator or the templates crash, hang or leave their limits.

#include "quicksilver/rules/completion.hpp"
#include "quicksilver/rules/template.hpp"

#include "support.hpp"

#include <cstddef>
#include <cstdint>

using namespace quicksilver;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const Tags tags = rules::tags_of({{"Modality", "MR"}, {"SliceThickness", "1.5"}});
    rules::EvaluationOptions options;
    options.explain = true;
    options.limits.steps = 50'000;
    options.limits.memory_bytes = 4 << 20;
    to_json(rules::evaluate(rules::Expression::compile(text), tags, options)).dump();
    rules::evaluate_completion(text, {"t1", "t2"});
    rules::check_completion(text);
    if (const Result<rules::Template> parsed = rules::Template::parse(text)) {
        static_cast<void>(parsed->render({{"rule", "r"}, {"details", ""}}, rules::Escaping::html));
    }
    return 0;
}
