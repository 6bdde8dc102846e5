#include "pipeline/targets/aws_signature.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

namespace {

// The examples of Amazon's documentation of Signature Version 4 for S3, with the credentials that it uses.
const AwsCredentials credentials{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"};
const WallTime day{std::chrono::seconds(1'369'353'600)};  // 2013-05-24
const std::string empty_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

AwsRequest request(std::string method, std::string path) {
    AwsRequest made;
    made.method = std::move(method);
    made.host = "examplebucket.s3.amazonaws.com";
    made.path = std::move(path);
    made.payload_sha256 = empty_sha256;
    return made;
}

std::string signature_of(const AwsRequest& request) {
    const std::string header = sign(request, credentials, day).at("authorization");
    return header.substr(header.find("Signature=") + 10);
}

}  // namespace

TEST_CASE("Requests are signed as in Amazon's examples", "[pipeline][targets][s3]") {
    AwsRequest range = request("GET", "/test.txt");
    range.headers["range"] = "bytes=0-9";
    CHECK(signature_of(range) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

    AwsRequest lifecycle = request("GET", "/");
    lifecycle.query["lifecycle"] = "";
    CHECK(signature_of(lifecycle) == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");

    AwsRequest list = request("GET", "/");
    list.query = {{"prefix", "J"}, {"max-keys", "2"}};
    CHECK(signature_of(list) == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");

    AwsRequest put = request("PUT", "/test$file.text");
    put.headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    put.payload_sha256 = sha256_hex("Welcome to Amazon S3.");
    CHECK(signature_of(put) == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_CASE("The headers of a signature name credentials, region and what is signed", "[pipeline][targets][s3]") {
    AwsRequest get = request("GET", "/test.txt");
    get.headers["range"] = "bytes=0-9";
    const auto headers = sign(get, credentials, day);
    CHECK(headers.at("x-amz-date") == "20130524T000000Z");
    CHECK(headers.at("x-amz-content-sha256") == empty_sha256);
    const std::string& authorization = headers.at("authorization");
    CHECK(authorization.starts_with(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature="));
    CHECK(authorization.find(credentials.secret_access_key) == std::string::npos);
}

TEST_CASE("Paths and queries are encoded as S3 wants them", "[pipeline][targets][s3]") {
    CHECK(aws_path("/a b/1.2#3.dcm") == "/a%20b/1.2%233.dcm");
    CHECK(aws_path("/") == "/");
    CHECK(aws_path("/a//b/") == "/a//b/");
    CHECK(aws_path("/ü~-_.") == "/%C3%BC~-_.");
    CHECK(aws_query({{"uploadId", "a/b+c"}, {"partNumber", "1"}, {"acl", ""}}) ==
          "acl=&partNumber=1&uploadId=a%2Fb%2Bc");
}
