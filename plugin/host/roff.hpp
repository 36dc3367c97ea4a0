// Text as roff reads it: the language of manual pages.
#pragma once

#include <string>

namespace ptychoflow::host {

/// Text that comes out as it is, whatever characters are in it: none is taken for a request, and a hyphen can be
/// copied. It may stand in a line of its own or within quotes.
std::string roff(const std::string& text);

/// The head of a page, with its NAME. @param name  such as ptychoflow-load @param section  such as 7
std::string roff_page(const std::string& name, int section, const std::string& manual, const std::string& summary);

/// An indented paragraph. @param tag, text  roff already
std::string roff_item(const std::string& tag, const std::string& text);

}  // namespace ptychoflow::host
