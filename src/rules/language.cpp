#include "quicksilver/rules/language.hpp"

#include "methods.hpp"

#include <algorithm>
#include <span>

namespace quicksilver::rules {

namespace {

Language::Methods methods_of(std::string_view type, std::span<const MethodEntry> entries) {
    Language::Methods methods{type, {}};
    for (const MethodEntry& entry : entries) methods.names.push_back(entry.name);
    std::ranges::sort(methods.names);
    return methods;
}

Language make_language() {
    Language made;
    for (const std::span<const Builtin> table : {general_functions(), number_functions(), math_functions()}) {
        for (const Builtin& builtin : table) made.functions.push_back(builtin.name);
    }
    std::ranges::sort(made.functions);
    made.methods = {methods_of("text", text_methods()),   methods_of("list", list_methods()),
                    methods_of("tuple", tuple_methods()), methods_of("dict", dict_methods()),
                    methods_of("set", set_methods()),     methods_of("range", range_methods()),
                    methods_of("int", integer_methods()), methods_of("float", real_methods())};
    made.keywords = {"and", "or", "not", "in", "is", "if", "else", "True", "False", "None"};
    made.operators = {"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "//", "%", "**", "|", "^", "&", "~"};
    made.types = {"text", "int", "float", "bool", "none", "list", "tuple", "dict", "set", "range"};
    made.examples = {{"tags.Modality == 'MR'", "The modality is MR."},
                     {"tags.Modality in ('MR', 'CT')", "One of several."},
                     {"'CINE' in tags.SeriesDescription", "The description contains the word."},
                     {"tags.SeriesDescription.lower().startswith('cine')", "It begins so, whatever the case."},
                     {"float(tags.SliceThickness) < 2", "Numbers are made from texts."},
                     {"'KVP' in tags and tags.KVP == '120'", "A tag that may be absent."},
                     {"matches('^CINE', tags.SeriesDescription)", "A regular expression."}};
    return made;
}

}  // namespace

const Language& language() {
    static const Language made = make_language();
    return made;
}

}  // namespace quicksilver::rules
