"""The client half of the house: sessions, requests, answers, connections. Never imports web."""
