#pragma once

#include "quicksilver/store/history.hpp"

#include "api.hpp"

#include <vector>

/// How requests choose series, for lists and for actions alike.
namespace quicksilver::api {

/// From the query of a list. Throws ProblemError for a cursor of another list.
SeriesFilter read_series_filter(const Api& api, const Call& call);
/// From the member `filter` of a body.
SeriesFilter read_series_filter(const Api& api, const Json& filter, bool may_see_patients);
/// The schema of that member, and the query parameters of the same names.
Json series_filter_schema();
std::vector<QueryParameter> series_filter_parameters();
const std::vector<std::string>& series_states();

/// What cursors of the list are made for: they are good for one order only.
std::string series_cursor_list(bool oldest_first);

}  // namespace quicksilver::api
