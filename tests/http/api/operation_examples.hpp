#pragma once

#include "http/api/history_fixture.hpp"

#include <map>
#include <string>
#include <vector>

namespace quicksilver::test {

/// One request to one operation, and what comes of it for an administrator who may see patients. The table is written
/// by hand, beside the program's own description, so that a role or permission that changes by mistake shows.
struct OperationExample {
    std::string id;
    std::string method;
    std::string target;  ///< below /api/v1, with `@names` of ExampleWorld
    std::string role;    ///< who may: anyone, signed in, viewer, operator, admin
    std::string scope;   ///< that a token needs; "" for those that ask for none
    unsigned status = 200;
    std::string body = "";
    bool patients = false;     ///< refused without the permission for patient data
    std::string match = "";    ///< whose ETag goes into If-Match, and so on; see `headers`
    std::string headers = "";  ///< more of them: `Range: bytes=0-9`; `@etag` is that of `match`
};

/// At least one of every operation, and one of every good status that the description has. In an order in which they
/// can run one after the other.
const std::vector<OperationExample>& operation_examples();

/// What is wrong with an answer in the light of its operation's description; "" when nothing is.
std::string complaint_about(const nlohmann::json& operation, const nlohmann::json& definitions,
                            const ApiAnswer& answer);

/// What the patient of the ExampleWorld is called; nothing else there holds these letters.
const std::vector<std::string>& patient_words();

/// A server with one of everything, and the same patient wherever a patient can be.
struct ExampleWorld : HistoryApi {
    ExampleWorld();

    /// Signs in somebody of that role.
    Browser sign_in(Role role, bool phi);
    /// As a browser does that has signed in. `who` may be nobody's.
    ApiAnswer run(const OperationExample& example, Browser* who);

    std::string resolved(std::string text) const;

    std::map<std::string, std::string> names;

private:
    void add_series_of_patient();
    void add_files_of_patient();
    void add_words_of_peers();
    std::string code_of(const nlohmann::json& begun) const;  // what an authenticator app shows now
    int signed_in_ = 0;
};

}  // namespace quicksilver::test
