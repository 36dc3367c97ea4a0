// Messages between ranks over TCP: whole ones come out, whatever pieces they arrive in.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "core/comm/socket.hpp"

namespace ptychoflow::comm {
namespace {

class Connection : public testing::Test {
 protected:
  Connection() {
    int port = 0;
    const Socket listener = listen_anywhere(port);
    there = connect_to("127.0.0.1", port, 5);
    here = Inbox(accept_within(listener, 5));
  }

  Socket there;
  Inbox here{Socket()};
};

TEST_F(Connection, passes_messages_in_order) {
  Message message{.rank = 3, .stalled_s = 1.5};
  message.set_text("load (process)");
  send_message(there, message);
  send_message(there, {.kind = Message::Kind::bye, .rank = 3});
  const auto first = here.next_within(5), second = here.next_within(5);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->rank, 3);
  EXPECT_EQ(first->stalled_s, 1.5);
  EXPECT_STREQ(first->text, "load (process)");
  EXPECT_EQ(second->kind, Message::Kind::bye);
  EXPECT_FALSE(here.next());
  EXPECT_FALSE(here.closed());
}

TEST_F(Connection, waits_for_the_rest_of_a_message) {
  const Message message{.rank = 7};
  const auto* bytes = reinterpret_cast<const char*>(&message);
  ASSERT_EQ(send(there.descriptor(), bytes, 20, 0), 20);
  EXPECT_FALSE(here.next_within(0.05));
  ASSERT_EQ(send(there.descriptor(), bytes + 20, sizeof message - 20, 0), static_cast<ssize_t>(sizeof message - 20));
  const auto whole = here.next_within(5);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->rank, 7);
}

TEST_F(Connection, notices_its_end_after_the_last_message) {
  send_message(there, {.rank = 1});
  { const Socket gone = std::move(there); }
  ASSERT_TRUE(here.next_within(5));
  EXPECT_FALSE(here.next_within(5));
  EXPECT_TRUE(here.closed());
}

TEST(Texts, are_cut_to_what_fits) {
  Message message;
  message.set_text(std::string(1000, 'x'));
  EXPECT_EQ(std::string(message.text), std::string(sizeof message.text - 1, 'x'));
}

TEST(Nobody, is_connected_to_where_nobody_listens) {
  int port = 0;
  { const Socket listener = listen_anywhere(port); }
  EXPECT_FALSE(connect_to("127.0.0.1", port, 1));
}

}  // namespace
}  // namespace ptychoflow::comm
